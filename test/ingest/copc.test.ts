// COPC: an octree that is read whole in file order, or only where a box needs it.
import { expect, test } from 'vitest';
import { InvalidInput } from '../../src/errors.ts';
import { bytesSource } from '../../src/files/byte-source.ts';
import type { ByteSource } from '../../src/files/byte-source.ts';
import { boxOfNode } from '../../src/ingest/copc.ts';
import { openPointFile } from '../../src/ingest/point-reader.ts';
import type { Box } from '../../src/types.ts';
import { makeCopc } from './make-laz.ts';
import type { CopcSpec } from './make-laz.ts';

/** A cube of 100 m with a point in its root, and one in the south-western, south-eastern and north-eastern quarter. */
const spec: CopcSpec = {
  pointFormat: 6, center: [50, 50, 50], halfsize: 50,
  points: [{ x: 51, y: 51, z: 0 }, { x: 10, y: 10, z: 1 }, { x: 90, y: 10, z: 2 }, { x: 90, y: 90, z: 3 }],
  nodes: [{ key: [0, 0, 0, 0] }, { key: [1, 0, 0, 0] }, { key: [1, 1, 0, 0], page: 1 }, { key: [1, 1, 1, 0] }],
};
const file = makeCopc(spec, { pageKey: [1, 1, 0, 0] });

async function readX(source: ByteSource, box?: Box): Promise<number[]> {
  const reader = await openPointFile(source);
  expect(reader.header.format).toBe('copc');
  const chunks = await Array.fromAsync(reader.chunks(box ? { box } : {}));
  return chunks.map((chunk) => chunk.x[0]! / 100);
}

test('all nodes of all pages are read, in file order', async () => {
  expect(await readX(bytesSource('a.copc.laz', file))).toEqual([51, 10, 90, 90]);
});

test('a box reads the nodes that meet it, the root among them, and fewer bytes', async () => {
  expect(await readX(bytesSource('a.copc.laz', file), { x0: 0, y0: 0, x1: 20, y1: 20 })).toEqual([51, 10]);
  expect(await readX(bytesSource('a.copc.laz', file), { x0: 60, y0: 10, x1: 70, y1: 20 })).toEqual([51, 90]); // the second page
  expect(await readX(bytesSource('a.copc.laz', file), { x0: 200, y0: 0, x1: 300, y1: 20 })).toEqual([]);
});

test('points on the border between nodes are found from both sides', async () => {
  expect(await readX(bytesSource('a.copc.laz', file), { x0: 50, y0: 0, x1: 60, y1: 20 })).toEqual([51, 10, 90]);
});

test('a node covers its share of the cube', () => {
  const info = { center: [50, 50, 50] as [number, number, number], halfsize: 50, root: { offset: 0, bytes: 0 } };
  expect(boxOfNode(info, [2, 3, 1, 0])).toEqual({ x0: 75, y0: 25, x1: 100, y1: 50 });
});

/** Where the first entry of the root page stands. */
function rootPage(view: DataView): number {
  return Number(view.getBigUint64(375 + 54 + 40, true));
}

test.each<[string, (view: DataView) => void]>([
  ['a root page outside the file', (v) => v.setBigUint64(375 + 54 + 40, 2n ** 50n, true)],
  ['a root page of odd length', (v) => v.setBigUint64(375 + 54 + 48, 33n, true)],
  ['a page in a circle', (v) => v.setBigUint64(rootPage(v) + 3 * 32 + 16, BigInt(rootPage(v)), true)],
  ['a node outside the file', (v) => v.setBigUint64(rootPage(v) + 16, 2n ** 50n, true)],
  ['a node of negative count', (v) => v.setInt32(rootPage(v) + 28, -5, true)],
  ['a node of negative size', (v) => v.setInt32(rootPage(v) + 24, -5, true)],
  ['a node of more points than its bytes hold', (v) => v.setInt32(rootPage(v) + 28, 2e9, true)],
  ['fewer points than the header says', (v) => v.setInt32(rootPage(v) + 28, 0, true)],
  ['a cube that is no number', (v) => v.setFloat64(375 + 54, NaN, true)],
])('a hierarchy with %s is refused', async (_, patch) => {
  const copy = file.slice();
  patch(new DataView(copy.buffer));
  await expect(readX(bytesSource('a.copc.laz', copy))).rejects.toThrow(InvalidInput);
});
