// pipeline/clip.ts: what of a window is reported: inside the survey's area, outside its masks. IO in `openClip`.
import type { Box, Lattice, MultiPolygon, Window } from '../types.ts';
import { boxOfWindow } from '../geo/lattice.ts';
import { locatePoint, pixelsInside } from '../geo/polygon.ts';
import type { Relation } from '../geo/region.ts';
import { regionOf } from '../geo/region.ts';
import { entriesOfBox, standsOfBox } from './stand-layer.ts';
import type { Survey, SurveyArea } from './survey.ts';

/** How a window is cut. Pixels count by their centre, trees by their apex. */
export interface Clip {
  /** 1 where reported; null where all of the window is */
  pixels(lattice: Lattice, window: Window): Uint8Array | null;
  holds(xM: number, yM: number): boolean;
  /** pixels of the window outside the area, and those in a mask but inside the area */
  cut(lattice: Lattice, window: Window): { outsidePx: number; maskedPx: number };
}

const known = new WeakMap<SurveyArea, (box: Box) => Relation>();

/** How a box lies to the survey's area; without an area everything is inside. */
export function relationToArea(area: SurveyArea | null, box: Box): Relation {
  if (area === null) return 'inside';
  const relation = known.get(area) ?? regionOf(area.polygons);
  known.set(area, relation);
  return relation(box);
}

/** The hashes of what cuts a box: nothing for one inside the area that no mask meets. */
export function clipHashes({ area, masks }: Survey, box: Box): string[] {
  const relation = relationToArea(area, box);
  return [
    ...(relation === 'inside' ? [] : relation === 'outside' ? ['outside'] : [area!.hash]),
    ...masks.flatMap((layer) => entriesOfBox(layer, box).map(({ hash }) => hash)).sort(),
  ];
}

/** What cuts windows within a box. Memory holds the mask's polygons that meet it. */
export async function openClip({ area, masks }: Survey, box: Box): Promise<Clip> {
  const relation = relationToArea(area, box), covers: MultiPolygon[] = [];
  for (const layer of masks) for (const { polygons } of await standsOfBox(layer, box)) covers.push(polygons);
  const bounds = relation === 'inside' ? null : area!.polygons;
  const inArea = (lattice: Lattice, window: Window): Uint8Array | null => (bounds === null ? null : pixelsInside(bounds, lattice, window));
  const inMask = (lattice: Lattice, window: Window): Uint8Array | null => {
    const near = covers.map((polygons) => pixelsInside(polygons, lattice, window)), [first, ...others] = near;
    for (const other of others) for (let i = 0; i < other.length; i++) if (other[i]) first![i] = 1;
    return first ?? null;
  };
  return {
    pixels(lattice, window) {
      const inside = inArea(lattice, window), masked = inMask(lattice, window);
      if (masked === null) return inside;
      return masked.map((hidden, i) => (hidden || (inside !== null && !inside[i]) ? 0 : 1));
    },
    holds: (xM, yM) => (bounds === null || locatePoint(xM, yM, bounds)) && !covers.some((polygons) => locatePoint(xM, yM, polygons)),
    cut(lattice, window) {
      const inside = inArea(lattice, window), masked = inMask(lattice, window);
      if (inside === null && masked === null) return { outsidePx: 0, maskedPx: 0 };
      const total = window.width * window.height;
      let outsidePx = 0, maskedPx = 0;
      for (let i = 0; i < total; i++) {
        if (inside !== null && !inside[i]) outsidePx++;
        else if (masked?.[i]) maskedPx++;
      }
      return { outsidePx, maskedPx };
    },
  };
}

/** The clip of one window, for who lays parts into a mosaic. */
export async function clipOfWindow(survey: Survey, lattice: Lattice, window: Window): Promise<Uint8Array | null> {
  const box = boxOfWindow(lattice, window);
  return clipHashes(survey, box).length === 0 ? null : (await openClip(survey, box)).pixels(lattice, window);
}
