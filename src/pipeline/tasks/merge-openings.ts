// pipeline/tasks/merge-openings.ts: openings of the survey from the pieces of all tiles. IO.
import type { MultiPolygon } from '../../types.ts';
import type { JoinablePieces, OpeningEdge } from '../../fuse/openings.ts';
import { dissolvePieces, joinOpenings } from '../../fuse/openings.ts';
import { anchoredLattice, xOfCol, yOfRow } from '../../geo/lattice.ts';
import { readPartTables } from '../../store/part-tables.ts';
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
const PARTS_AT_ONCE = 200;

function* batches(parts: readonly Part[]): Generator<Part[]> {
  for (let i = 0; i < parts.length; i += PARTS_AT_ONCE) yield parts.slice(i, i + PARTS_AT_ONCE);
}

const keyOf = ({ firstRow, firstCol }: { firstRow: number; firstCol: number }): string => `${firstRow}_${firstCol}`;

/** What is known of the pieces that touch an edge of their core: the only ones that are joined. */
interface Joined {
  /** opening of each such piece, by its first pixel */
  openingOf: Map<string, { id: string; areaM2: number }>;
  polygons: Map<string, MultiPolygon[]>;
}

/**
 * Rows of `gap` and `gap_stand`: openings of at least `minAreaM2`, whole across tiles.
 * Pieces inside a core go straight through; memory follows those that touch its edge.
 */
export async function mergeOpenings(parts: readonly Part[], { resM, minAreaM2 }: { resM: number; minAreaM2: number }): Promise<OpeningRows> {
  const joined = await joinPieces(parts, resM), lattice = anchoredLattice(resM), pixelM2 = resM * resM;
  const row = (id: string, areaM2: number, polygons: MultiPolygon) => {
    const [first, col] = id.split('_').map(Number) as [number, number];
    return { gapId: id, xM: xOfCol(lattice, col), yM: yOfRow(lattice, first), areaM2, polygons };
  };
  async function* gap(): AsyncGenerator<object> {
    for (const batch of batches(parts)) {
      for (const piece of await readPartTables<PieceRow>(batch, 'opening')) {
        const areaM2 = piece.pixels * pixelM2;
        if (!joined.openingOf.has(keyOf(piece)) && areaM2 >= minAreaM2) yield row(keyOf(piece), areaM2, piece.polygons);
      }
    }
    const areas = new Map([...joined.openingOf.values()].map(({ id, areaM2 }) => [id, areaM2]));
    for (const [id, areaM2] of areas) if (areaM2 >= minAreaM2) yield row(id, areaM2, dissolvePieces(joined.polygons.get(id)!, lattice));
  }
  async function* gapStand(): AsyncGenerator<object> {
    const across = new Map<string, { gapId: string; standId: string; pixels: number }>();
    for (const batch of batches(parts)) {
      const areaOf = new Map((await readPartTables<PieceRow>(batch, 'opening')).map((piece) => [keyOf(piece), piece.pixels * pixelM2]));
      for (const share of await readPartTables<ShareRow>(batch, 'opening_stand')) {
        const opening = joined.openingOf.get(keyOf(share));
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
  return { gap: gap(), gapStand: gapStand() };
}

async function joinPieces(parts: readonly Part[], resM: number): Promise<Joined> {
  const tiles: (JoinablePieces & { keys: string[]; polygons: MultiPolygon[] })[] = [];
  for (const batch of batches(parts)) {
    const edges = await readPartTables<EdgeRow>(batch, 'opening_edge');
    if (edges.length === 0) continue;
    const touching = new Set(edges.map(keyOf)), rows = (await readPartTables<PieceRow>(batch, 'opening')).filter((piece) => touching.has(keyOf(piece)));
    const keys = rows.map(keyOf), indexOf = new Map(keys.map((key, i) => [key, i]));
    tiles.push({
      keys, polygons: rows.map(({ polygons }) => polygons), pieces: rows.map(({ firstRow, firstCol, pixels }) => ({ row: firstRow, col: firstCol, pixels })),
      edges: edges.map((edge) => ({ side: edge.side, line: edge.line, from: edge.fromPx, to: edge.toPx, piece: indexOf.get(keyOf(edge))! })),
    });
  }
  const { ids, openings } = joinOpenings(tiles, { resM }), areaOf = new Map(openings.map(({ id, areaM2 }) => [id, areaM2]));
  const joined: Joined = { openingOf: new Map(), polygons: new Map() };
  tiles.forEach((tile, t) => tile.keys.forEach((key, i) => {
    const id = ids[t]![i]!;
    joined.openingOf.set(key, { id, areaM2: areaOf.get(id)! });
    joined.polygons.set(id, [...(joined.polygons.get(id) ?? []), tile.polygons[i]!]);
  }));
  return joined;
}
