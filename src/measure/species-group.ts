// measure/species-group.ts: which species group a tree has, from the stand that it stands in. Pure.
import { UsageError } from '../errors.ts';
import { holdsPoint } from '../geo/box.ts';
import { bboxOf, locatePoint, polygonAreaM2 } from '../geo/polygon.ts';
import type { SpeciesGroup, Stand } from '../types.ts';

/** `allometry.group` of the job file: `{ from: stands.species, map: { spruce: gymnosperm }, default: angiosperm }`. */
export interface GroupRule {
  from: string | null;
  map: Record<string, SpeciesGroup>;
  default: SpeciesGroup | null;
}

export type GroupOf = (xM: number, yM: number) => SpeciesGroup | null;

/**
 * The species group at a point: the smaller stand decides where two overlap, then the lower stand_id.
 * A point outside all stands, and a stand whose value is not in the map, get the default.
 *
 * @param stands  those that touch the tile, in any order
 * @throws {UsageError} when `from` is no `stands.<attribute>`
 */
export function groupRule(stands: readonly Stand[], rule: GroupRule): GroupOf {
  if (rule.from === null) return () => rule.default;
  const attribute = /^stands\.(.+)$/.exec(rule.from)?.[1];
  if (attribute === undefined) throw new UsageError(`allometry.group.from: '${rule.from}' is no attribute of the stands; write stands.<attribute>`, { path: 'allometry.group.from' });
  const ordered = stands.map((stand) => ({ stand, areaM2: polygonAreaM2(stand.polygons), box: bboxOf(stand.polygons), group: groupOf(stand, attribute, rule) }))
    .sort((a, b) => a.areaM2 - b.areaM2 || (a.stand.standId < b.stand.standId ? -1 : 1));
  return (xM, yM) => {
    const first = ordered.find(({ stand, box }) => box !== null && holdsPoint(box, xM, yM) && locatePoint(xM, yM, stand.polygons));
    return first ? first.group : rule.default;
  };
}

function groupOf(stand: Stand, attribute: string, rule: GroupRule): SpeciesGroup | null {
  const value = stand.attributes[attribute];
  if (value === null || value === undefined || !Object.hasOwn(rule.map, String(value))) return rule.default;
  return rule.map[String(value)]!;
}
