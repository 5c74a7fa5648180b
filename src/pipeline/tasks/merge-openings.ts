// pipeline/tasks/merge-openings.ts: openings of the survey from the pieces of all tiles. IO.
import type { Lattice, MultiPolygon } from '../../types.ts';
import type { JoinablePieces, OpeningEdge } from '../../fuse/openings.ts';
import { dissolvePieces, joinOpenings } from '../../fuse/openings.ts';
import { xOfCol, yOfRow } from '../../geo/lattice.ts';
import { readPartTables, streamPartTables } from '../../store/part-tables.ts';
import type { Part } from '../../store/parts.ts';

interface PieceRow {
  firstRow: number;
  firstCol: number;
  pixels: number;
  polygons: MultiPolygon;
}

interface EdgeRow {
  side: OpeningEdge['side'];
  line: number;
  fromPx: number;
  toPx: number;
  firstRow: number;
  firstCol: number;
}

interface ShareRow {
  firstRow: number;
  firstCol: number;
  standId: string;
  pixels: number;
}

export interface OpeningRows {
  gap: AsyncIterable<object>;
  gapStand: AsyncIterable<object>;
}

/** Parts whose tables one statement reads: pieces are known by their first pixels, so it does not matter which part a row came from. */
const PARTS_AT_ONCE = 50;

function* batches(parts: readonly Part[]): Generator<Part[]> {
  for (let i = 0; i < parts.length; i += PARTS_AT_ONCE) yield parts.slice(i, i + PARTS_AT_ONCE);
}

const keyOf = ({ firstRow, firstCol }: { firstRow: number; firstCol: number }): string => `${firstRow}_${firstCol}`;

/** What a piece is known by, without its outline: outlines are most of the bytes. */
const SIZES = ['first_row', 'first_col', 'pixels'];
type SizeRow = Omit<PieceRow, 'polygons'>;

/** An opening that crosses tiles. */
interface Crossing {
  id: string;
  areaM2: number;
  pieces: number;
}

/**
 * Rows of `gap` and `gap_stand`: openings of at least `minAreaM2`, whole across tiles.
 *
 * Pieces inside a core go straight through. Of those that touch its edge, numbers are kept, and outlines only until the last
 * piece of their opening has come: memory follows the openings that cross the band of tiles being read.
 *
 * @param parts  in the order of tiles
 */
export async function mergeOpenings(parts: readonly Part[], { lattice, minAreaM2 }: { lattice: Lattice; minAreaM2: number }): Promise<OpeningRows> {
  const { resM } = lattice, crossing = await joinPieces(parts, resM), pixelM2 = resM * resM;
  return { gap: gapRows(parts, crossing, { lattice, minAreaM2 }), gapStand: gapStandRows(parts, crossing, { pixelM2, minAreaM2 }) };
}

async function* gapRows(parts: readonly Part[], crossing: ReadonlyMap<string, Crossing>, { lattice, minAreaM2 }: { lattice: Lattice; minAreaM2: number }): AsyncGenerator<object> {
  const { resM } = lattice, waiting = new Map<string, MultiPolygon[]>();
  const row = (id: string, areaM2: number, polygons: MultiPolygon) => {
    const [first, col] = id.split('_').map(Number) as [number, number];
    return { gapId: id, xM: xOfCol(lattice, col), yM: yOfRow(lattice, first), areaM2, polygons };
  };
  for (const batch of batches(parts)) {
    for await (const pieces of streamPartTables<PieceRow>(batch, 'opening')) {
      for (const piece of pieces) {
        const opening = crossing.get(keyOf(piece)), areaM2 = opening?.areaM2 ?? piece.pixels * resM * resM;
        if (areaM2 < minAreaM2) continue;
        if (!opening) {
          yield row(keyOf(piece), areaM2, piece.polygons);
          continue;
        }
        const outlines = waiting.get(opening.id) ?? [];
        outlines.push(piece.polygons);
        waiting.set(opening.id, outlines);
        if (outlines.length < opening.pieces) continue;
        waiting.delete(opening.id);
        yield row(opening.id, areaM2, dissolvePieces(outlines, lattice));
      }
    }
  }
}

async function* gapStandRows(parts: readonly Part[], crossing: ReadonlyMap<string, Crossing>, { pixelM2, minAreaM2 }: { pixelM2: number; minAreaM2: number }): AsyncGenerator<object> {
  const across = new Map<string, { gapId: string; standId: string; pixels: number }>();
  for (const batch of batches(parts)) {
    const shares = await readPartTables<ShareRow>(batch, 'opening_stand');
    if (shares.length === 0) continue;
    const areaOf = new Map((await readPartTables<SizeRow>(batch, 'opening', SIZES)).map((piece) => [keyOf(piece), piece.pixels * pixelM2]));
    for (const share of shares) {
      const opening = crossing.get(keyOf(share));
      if ((opening?.areaM2 ?? areaOf.get(keyOf(share))!) < minAreaM2) continue;
      if (!opening) {
        yield { gapId: keyOf(share), standId: share.standId, areaM2: share.pixels * pixelM2 };
        continue;
      }
      const key = JSON.stringify([opening.id, share.standId]), sum = across.get(key);
      across.set(key, { gapId: opening.id, standId: share.standId, pixels: share.pixels + (sum?.pixels ?? 0) });
    }
  }
  for (const { gapId, standId, pixels } of across.values()) yield { gapId, standId, areaM2: pixels * pixelM2 };
}

/** The openings that cross tiles, by the first pixel of each of their pieces. */
async function joinPieces(parts: readonly Part[], resM: number): Promise<Map<string, Crossing>> {
  const tiles: (JoinablePieces & { keys: string[] })[] = [];
  for (const batch of batches(parts)) {
    const edges = await readPartTables<EdgeRow>(batch, 'opening_edge');
    if (edges.length === 0) continue;
    const touching = new Set(edges.map(keyOf)), rows = (await readPartTables<SizeRow>(batch, 'opening', SIZES)).filter((piece) => touching.has(keyOf(piece)));
    const keys = rows.map(keyOf), indexOf = new Map(keys.map((key, i) => [key, i]));
    tiles.push({
      keys, pieces: rows.map(({ firstRow, firstCol, pixels }) => ({ row: firstRow, col: firstCol, pixels })),
      edges: edges.map((edge) => ({ side: edge.side, line: edge.line, from: edge.fromPx, to: edge.toPx, piece: indexOf.get(keyOf(edge))! })),
    });
  }
  const { ids, openings } = joinOpenings(tiles, { resM }), byId = new Map(openings.map(({ id, areaM2 }) => [id, { id, areaM2, pieces: 0 }]));
  const crossing = new Map<string, Crossing>();
  tiles.forEach(({ keys }, t) => keys.forEach((key, i) => {
    const opening = byId.get(ids[t]![i]!)!;
    opening.pieces++;
    crossing.set(key, opening);
  }));
  return crossing;
}
