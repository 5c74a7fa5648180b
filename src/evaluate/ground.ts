// evaluate/ground.ts: the ground on which found trees are judged, and the plots or blocks that are resampled as a whole. Pure.
import Flatbush from 'flatbush';
import type { MultiPolygon, Plot } from '../types.ts';
import { hullOf, regionOfPlot, regionOfPolygons } from './regions.ts';
import type { Region } from './regions.ts';

/** A listed tree with a place. */
export interface PlacedTree {
  plotId: string | null;
  xM: number;
  yM: number;
}

export interface Ground {
  regions: Region[];
  /** the unit of a place inside; null outside, where no found tree counts as false */
  unitAt(xM: number, yM: number): string | null;
  /** the unit of a listed tree; null where it does not belong to the ground */
  unitOf(tree: PlacedTree): string | null;
  /** which ground was taken, for the reader */
  note: string;
}

/** Where there are no plots, whole blocks of this size, anchored to the CRS origin, are resampled. */
export const BLOCK_M = 50;

const blockAt = (xM: number, yM: number): string => `${Math.floor(xM / BLOCK_M) * BLOCK_M}_${Math.floor(yM / BLOCK_M) * BLOCK_M}`;
const blocks = `intervals resample blocks of ${BLOCK_M} m`, wholePlots = 'intervals resample whole plots';

/** The plots' circles and polygons. A tree belongs to the plot that it names, wherever it was mapped; without a name to the one that holds it. */
export function groundOfPlots(plots: readonly Plot[]): Ground {
  const regions = plots.map(regionOfPlot), unitAt = finder(regions), ids = new Set(plots.map(({ plotId }) => plotId));
  const unitOf = ({ plotId, xM, yM }: PlacedTree): string | null => (plotId === null ? unitAt(xM, yM) : ids.has(plotId) ? plotId : null);
  return { regions, unitAt, unitOf, note: `found trees are judged inside ${plots.length} plots; ${wholePlots}` };
}

/** An area in which every tree was mapped. */
export function groundOfArea(polygons: MultiPolygon): Ground {
  const region = regionOfPolygons('area', polygons), unitAt = (xM: number, yM: number): string | null => (region.holds(xM, yM) ? blockAt(xM, yM) : null);
  return { regions: [region], unitAt, unitOf: ({ xM, yM }) => unitAt(xM, yM), note: `found trees are judged inside the area given; ${blocks}` };
}

/**
 * The convex hull of the trees themselves; one for each plot where they name several.
 * The hull is not grown: around mapped trees stand others that nobody mapped. Found trees outside it may pair, and are not false.
 */
export function groundOfHull(trees: readonly PlacedTree[]): Ground {
  const groups = Map.groupBy(trees, ({ plotId }) => plotId ?? ''), byPlot = groups.size > 1;
  const regions = [...groups].map(([id, members]) => regionOfPolygons(id, [[hullOf(members)]])), plotAt = finder(regions);
  const unitAt = (xM: number, yM: number): string | null => {
    const plot = plotAt(xM, yM);
    return plot === null || byPlot ? plot : blockAt(xM, yM);
  };
  const what = byPlot ? `the convex hulls of the trees of ${groups.size} plots` : 'the convex hull of the reference trees';
  return {
    regions, unitAt, unitOf: ({ plotId, xM, yM }) => (byPlot ? plotId ?? '' : blockAt(xM, yM)),
    note: `no area was given: found trees are judged inside ${what}, beyond it they may pair but are not false; ${byPlot ? wholePlots : blocks}`,
  };
}

/** The first region, in their order, that holds a place. */
function finder(regions: readonly Region[]): (xM: number, yM: number) => string | null {
  if (regions.length === 0) return () => null;
  const index = new Flatbush(regions.length);
  for (const { box } of regions) index.add(box.x0, box.y0, box.x1, box.y1);
  index.finish();
  return (xM, yM) => {
    const at = index.search(xM, yM, xM, yM).sort((a, b) => a - b).find((i) => regions[i]!.holds(xM, yM));
    return at === undefined ? null : regions[at]!.id;
  };
}
