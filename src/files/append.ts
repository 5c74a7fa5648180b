// files/append.ts: scratch files that grow, and are read back whole. IO.
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';

/** Append bytes to a scratch file, making it when it is not there. */
export const appendBytes = (path: string, bytes: Uint8Array): Promise<void> => appendFile(path, bytes);

/** Write a file inside a folder that is itself written atomically. */
export const writeInside = (path: string, bytes: Uint8Array): Promise<void> => writeFile(path, bytes, { flag: 'wx' });

/** Read a scratch file whole and delete it; no bytes when it was never made. */
export async function takeBytes(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return new Uint8Array(0);
    throw error;
  });
  await rm(path, { force: true });
  return bytes;
}
