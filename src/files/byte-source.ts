// files/byte-source.ts: a file read by range. IO.
import { open } from 'node:fs/promises';
import { IoError } from '../errors.ts';

/** Random access to the bytes of one file; `name` is what errors call it. */
export interface ByteSource {
  readonly name: string;
  readonly size: number;
  /** Exactly `length` bytes from `offset`. @throws {IoError} when the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Open a file on disk for reading. @throws {IoError} when it cannot be opened. */
export async function openFile(path: string): Promise<ByteSource> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw new IoError(`${path}: cannot be opened for reading; check that it exists and may be read`, { source: path }, { cause });
  });
  const { size } = await handle.stat();
  return {
    name: path,
    size,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
        if (bytesRead === 0) {
          throw new IoError(`${path}: ends at byte ${size}, but bytes ${offset} to ${offset + length} are needed; the file is cut short, copy it again`, { source: path });
        }
        filled += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}

/** Bytes in memory as a source: for tests and for files that came whole over a network. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    async read(offset, length) {
      if (offset < 0 || offset + length > bytes.length) {
        throw new IoError(`${name}: ends at byte ${bytes.length}, but bytes ${offset} to ${offset + length} are needed; the file is cut short, copy it again`, { source: name });
      }
      return bytes.subarray(offset, offset + length);
    },
    close: async () => {},
  };
}
