// files/atomic.ts: files that are either whole or absent: temporary name, fsync, rename. IO.
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** How the name of what is not whole ends: on its way in, or on its way out. */
export const TEMPORARY = '.tmp';

const temporaryName = (path: string): string => `${path}.${process.pid}.${randomBytes(4).toString('hex')}${TEMPORARY}`;

/** Flush a file or a folder to disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Write a file or a folder under a temporary name, fsync it, and rename it into place.
 *
 * @param write  gets the temporary path; what it leaves there is fsynced and renamed to `path`
 * @throws what `write` throws; the temporary path is removed then
 */
export async function writeAtomically<T>(path: string, write: (temporary: string) => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryName(path);
  try {
    const result = await write(temporary);
    await syncPath(temporary);
    await rename(temporary, path);
    await syncPath(dirname(path));
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Remove a file or a folder so that it is whole or absent at any moment: renamed to a temporary name, then deleted.
 *
 * @param isKept  asked with the temporary path, where nobody changes it any more: true puts it back
 */
export async function removeAtomically(path: string, isKept: (temporary: string) => Promise<boolean> = async () => false): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await rename(path, temporary);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (await isKept(temporary) && await rename(temporary, path).then(() => true, () => false)) return;
  await rm(temporary, { recursive: true, force: true });
}

/** Write bytes or text atomically. */
export async function writeFileAtomically(path: string, data: string | Uint8Array): Promise<void> {
  await writeAtomically(path, async (temporary) => {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/** Write text chunk by chunk, atomically; memory holds one chunk. */
export async function writeChunksAtomically(path: string, chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>): Promise<void> {
  await writeAtomically(path, async (temporary) => {
    const handle = await open(temporary, 'wx');
    try {
      for await (const chunk of chunks) await handle.writeFile(chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/** Write a file unless there is one: of several processes that try, one wins. @returns the text that stands there, whoever wrote it */
export async function writeOnce(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryName(path);
  try {
    await writeFile(temporary, text);
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    return await readFile(path, 'utf8');
  } finally {
    await rm(temporary, { force: true });
  }
}
