// ingest/image-bands.ts: what a band of an image may mean, spelled once for job files and model cards. Pure.

/** The roles that a band may have; `role@input` names a role of one input where two inputs have it. */
export const BAND_ROLES = ['red', 'green', 'blue', 'nir', 'red_edge', 'swir1', 'swir2', 'pan', 'thermal', 'chm', 'dtm', 'dsm', 'density'] as const;

/** The role of a band's name: `red@winter` is red. */
export const roleOf = (band: string): string => band.split('@', 1)[0]!;

/** True for a known role, with or without the name of an input behind an @. */
export const isBandRole = (band: string): boolean =>
  (BAND_ROLES as readonly string[]).includes(roleOf(band)) && /^[a-z0-9_]+(@[A-Za-z0-9_.-]+)?$/.test(band);
