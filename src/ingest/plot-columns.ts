// ingest/plot-columns.ts: the columns of plots and plot trees, and what to say of one that is named otherwise. Pure.
import { InvalidInput } from '../errors.ts';
import { editDistance } from '../nearest.ts';

export const PLOT_FIGURES = ['stems_per_ha', 'basal_area_m2_per_ha', 'height_m', 'agb_t_per_ha'] as const;
export const PLOT_COLUMNS = ['plot_id', 'x', 'y', 'lon', 'lat', 'radius_m', 'area_m2', ...PLOT_FIGURES] as const;
export const TREE_COLUMNS = ['plot_id', 'tree_no', 'x', 'y', 'lon', 'lat', 'species', 'dbh_cm', 'height_m', 'crown_diameter_m', 'agb_kg', 'status', 'layer'] as const;

/** Other words for a column, as field books and other tools have them. */
const WORDS: [RegExp, string[]][] = [
  [/^(?:plot|plotid|plot_?no|plot_?name|plot_?number|id)$/, ['plot_id']],
  [/^(?:tree|tree_?id|treeno|tree_?number|tag|id|no)$/, ['tree_no']],
  [/^(?:easting|east|utm_?x|x_?utm|coord_?x|x_?coord|longitude_m|x_m)$/, ['x']],
  [/^(?:northing|north|utm_?y|y_?utm|coord_?y|y_?coord|y_m)$/, ['y']],
  [/^(?:long|lng|longitude)$/, ['lon']],
  [/^latitude$/, ['lat']],
  [/^(?:d|dia|diam|diameter|dbh\d*|diameter_at_breast_height)$/, ['dbh_cm']],
  [/^(?:h|ht|hgt|tree_?height|mean_?height|lorey_?height)$/, ['height_m']],
  [/^(?:ba|g|basalarea)$/, ['basal_area_m2_per_ha']],
  [/^(?:n|tph|stem_?density|density)$/, ['stems_per_ha']],
  [/^(?:biomass|agbd|aboveground_?biomass|above_ground_biomass)$/, ['agb_kg', 'agb_t_per_ha']],
  [/^(?:r|rad|plot_?radius)$/, ['radius_m']],
  [/^(?:plot_?area|plot_?size|size)$/, ['area_m2']],
  [/^(?:crown|crown_?width|crown_?diam|cd)$/, ['crown_diameter_m']],
  [/^(?:sp|spp|species_?name|tree_?species)$/, ['species']],
  [/^(?:live|alive|dead|condition|live_?dead|tree_?status)$/, ['status']],
];

const UNITS = /(?:_?[([]?(?:mm|cm|dm|m|in|inch|inches|ft|feet|foot|kg|g|t|mg|m2|ha|sqm|sqft)[)\]]?)?(?:(?:_per_|\/)(?:ha|acre|ac|m2))?$/;
const stemOf = (column: string): string => column.replaceAll(/\s+/g, '_').replace(UNITS, '').replace(/_$/, '');

/**
 * Check a table's columns: what is required is there, and no column looks like one that is read here under another name or unit.
 *
 * @param there  the table's columns, lower case
 * @returns the columns that are not read
 * @throws {InvalidInput} naming the column, the nearest one that is known, and those there are
 */
export function checkColumns(file: string, there: readonly string[], known: readonly string[], required: readonly string[]): string[] {
  const missing = known.filter((column) => !there.includes(column)), others = there.filter((column) => !known.includes(column));
  const list = `its columns are ${there.join(', ') || 'none'}; those read here are ${known.join(', ')}`;
  for (const column of others) {
    const near = nearestColumn(column, missing);
    if (near !== null) throw new InvalidInput(`${file}: the column '${column}' is not known: rename it ${near}, in this unit, if it is that, or else to something less like it; ${list}`, { source: file, line: 1, column, nearest: near });
  }
  for (const column of required) {
    if (!there.includes(column)) throw new InvalidInput(`${file}: has no column ${column}; ${list}`, { source: file, line: 1, column });
  }
  return others;
}

/** The known column that another name stands for, most likely; null where none is near. */
function nearestColumn(column: string, known: readonly string[]): string | null {
  const word = WORDS.flatMap(([pattern, targets]) => (pattern.test(column) || pattern.test(stemOf(column)) ? targets : [])).find((target) => known.includes(target));
  if (word !== undefined) return word;
  const stem = stemOf(column), same = known.find((each) => stemOf(each) === stem);
  if (same !== undefined) return same;
  return known.find((each) => each.length > 4 && editDistance(column, each) <= Math.min(2, each.length / 4)) ?? null;
}
