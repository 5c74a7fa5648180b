// files/sink.ts: a file that grows piece by piece beside its place and is renamed there once it is whole. IO.
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncPath } from './atomic.ts';

/**
 * A file being written under a temporary name: append, patch, `finish`, then `publish`; `discard` in the end whatever happened.
 * Memory holds one piece. The name is fixed, so what a killed run left is written over: the caller holds the survey's lock.
 */
export class StagedFile {
  readonly path: string;
  /** bytes so far: where the next piece will stand */
  size = 0;
  /** where its bytes are until it is published */
  readonly stagedPath: string;
  readonly #handle: FileHandle;
  #open = true;

  private constructor(path: string, staged: string, handle: FileHandle) {
    this.path = path;
    this.stagedPath = staged;
    this.#handle = handle;
  }

  static async open(path: string): Promise<StagedFile> {
    await mkdir(dirname(path), { recursive: true });
    const staged = `${path}.staged.tmp`;
    return new StagedFile(path, staged, await open(staged, 'w'));
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.patch(this.size, bytes);
    this.size += bytes.length;
  }

  /** Write over bytes that are there already, as a header that could not be known before. */
  async patch(at: number, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) done += (await this.#handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }

  /** Flush to disk and close; the file is whole and not yet in place. */
  async finish(): Promise<void> {
    await this.#handle.sync();
    await this.#close();
  }

  /** Rename a finished file into place; what was there is replaced. */
  async publish(): Promise<void> {
    await rename(this.stagedPath, this.path);
    await syncPath(dirname(this.path)); // the new name lasts through a power cut
  }

  /** Close, and delete what was not published. */
  async discard(): Promise<void> {
    await this.#close();
    await rm(this.stagedPath, { force: true });
  }

  async #close(): Promise<void> {
    if (this.#open) await this.#handle.close();
    this.#open = false;
  }
}
