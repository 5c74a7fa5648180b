// bench/lay-out.ts: larger surveys from real LAZ files: the same files laid side by side, or over each other. IO.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

export interface LayOut {
  /** copies eastward and northward */
  across: number;
  down: number;
  /** distance between copies, metres */
  stepM: number;
  /** copies laid over each copy, each moved by 0.37 m and 0.21 m from the one before: a denser cloud */
  layers?: number;
}

/** LAS header: offset x y z at 155, then max x, min x, max y, min y ... at 179. */
function moved(bytes: Buffer, dx: number, dy: number): Buffer {
  const copy = Buffer.from(bytes);
  const add = (at: number, by: number) => copy.writeDoubleLE(copy.readDoubleLE(at) + by, at);
  for (const [at, by] of [[155, dx], [163, dy], [179, dx], [187, dx], [195, dy], [203, dy]] as const) add(at, by);
  return copy;
}

/** Write moved copies of files; only headers change, so a LAZ file is not encoded again. @returns their paths */
export async function layOut(files: readonly string[], dir: string, { across, down, stepM, layers = 1 }: LayOut): Promise<string[]> {
  await mkdir(dir, { recursive: true });
  const paths: string[] = [];
  for (const file of files) {
    const bytes = await readFile(file);
    for (let i = 0; i < across; i++) {
      for (let j = 0; j < down; j++) {
        for (let k = 0; k < layers; k++) {
          const path = join(dir, `${i}-${j}-${k}-${basename(file)}`);
          await writeFile(path, moved(bytes, i * stepM + 0.37 * k, j * stepM + 0.21 * k));
          paths.push(path);
        }
      }
    }
  }
  return paths;
}
