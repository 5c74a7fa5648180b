// ingest/image-bands.ts: what a band of an image may mean, spelled once for job files and model cards. Pure.

/** The roles that a band may have; `role@input` names a role of one input where two inputs have it. */
export const BAND_ROLES = ['red', 'green', 'blue', 'nir', 'red_edge', 'swir1', 'swir2', 'pan', 'thermal', 'chm', 'dtm', 'dsm', 'density'] as const;
