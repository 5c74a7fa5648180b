// measure/site.ts: what the stands say of the place where a tree stands: species group, wood density, attributes. Pure.
import { UsageError } from '../errors.ts';
import { holdsPoint } from '../geo/box.ts';
import { bboxOf, locatePoint, polygonAreaM2 } from '../geo/polygon.ts';
import type { SpeciesGroup, Stand } from '../types.ts';

/** What is known of a tree's place. */
export interface Site {
  group: SpeciesGroup | null;
  /** g/cm3 */
  woodDensity: number | null;
  /** of the stand; null outside all stands */
  attributes: Readonly<Record<string, unknown>> | null;
}

export type SiteOf = (xM: number, yM: number) => Site;

/** A value by an attribute of the stand: `{ from: stands.species, map: { spruce: gymnosperm }, default: angiosperm }`. */
export interface AttributeRule<T> {
  from?: string | null | undefined;
  map?: Readonly<Record<string, T>> | undefined;
  default?: T | null | undefined;
}

/** `allometry` of the job file, as far as it says what a tree's place tells. */
export interface SiteRules {
  group: AttributeRule<SpeciesGroup>;
  wood_density?: AttributeRule<number> | null | undefined;
}

/**
 * The site at a point: the smaller stand decides where two overlap, then the lower stand_id.
 * A point outside all stands, and a stand whose value is not in the map, get the default.
 *
 * @param stands  those that touch the tile, in any order
 * @throws {UsageError} when `from` is no `stands.<attribute>`
 */
export function siteRule(stands: readonly Stand[], { group, wood_density: density }: SiteRules): SiteOf {
  const groupBy = ruleOf(group, 'allometry.group.from'), densityBy = ruleOf(density ?? {}, 'allometry.wood_density.from');
  const siteOf = (attributes: Site['attributes']): Site => ({ group: groupBy(attributes), woodDensity: densityBy(attributes), attributes });
  const outside = siteOf(null), ordered = stands.map((stand) => ({ stand, areaM2: polygonAreaM2(stand.polygons), box: bboxOf(stand.polygons), site: siteOf(stand.attributes) }))
    .sort((a, b) => a.areaM2 - b.areaM2 || (a.stand.standId < b.stand.standId ? -1 : 1));
  return (xM, yM) => ordered.find(({ stand, box }) => box !== null && holdsPoint(box, xM, yM) && locatePoint(xM, yM, stand.polygons))?.site ?? outside;
}

function ruleOf<T>({ from, map = {}, default: otherwise = null }: AttributeRule<T>, key: string): (attributes: Site['attributes']) => T | null {
  if (from === null || from === undefined) return () => otherwise;
  const attribute = /^stands\.(.+)$/.exec(from)?.[1];
  if (attribute === undefined) throw new UsageError(`${key}: '${from}' is no attribute of the stands; write stands.<attribute>`, { path: key });
  return (attributes) => {
    const value = attributes?.[attribute];
    return value === null || value === undefined || !Object.hasOwn(map, String(value)) ? otherwise : map[String(value)]!;
  };
}
