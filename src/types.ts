// types.ts: the vocabulary that every stage shares. Plain records; no code.

/** A half-open box in the survey's CRS, metres: [x0, x1) x [y0, y1). */
export interface Box {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/**
 * Square pixels that tile the plane: pixel (col, row) holds
 * [x0M + col resM, x0M + (col + 1) resM) x [y0M - (row + 1) resM, y0M - row resM).
 * Rows count southward, so an earlier row is farther north. A lattice anchored to the CRS origin has x0M = y0M = 0.
 */
export interface Lattice {
  resM: number;
  x0M: number;
  y0M: number;
}

/** A rectangle of pixels of a lattice; `col`, `row` are counted from the lattice's origin and may be negative. */
export interface Window {
  col: number;
  row: number;
  width: number;
  height: number;
}

export type PixelArray = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

/** A window of one band: row-major, `window.width x window.height`; `mask` is 1 where the pixel is valid, 0 where it is a void. */
export interface Raster<T extends PixelArray = Float32Array> {
  lattice: Lattice;
  window: Window;
  data: T;
  mask: Uint8Array;
}

/**
 * LiDAR returns as columns, all of length `count`. Coordinates are integers of 1e-5 m in the survey's CRS
 * (see `geo/units.ts`): exact in a double up to 9e10 m, so differences and lattice indices are exact.
 */
export interface Points {
  count: number;
  /** integers of 1e-5 m */
  x: Float64Array;
  /** integers of 1e-5 m */
  y: Float64Array;
  /** integers of 1e-5 m: elevation, or height above ground once normalised */
  z: Float64Array;
  intensity: Uint16Array;
  returnNumber: Uint8Array;
  returnCount: Uint8Array;
  /** ASPRS class without flag bits: 2 ground, 7 and 18 noise ... */
  classification: Uint8Array;
}

/** A tile of the survey's grid; the id is the lower-left corner in whole metres, `452000_4445000`. */
export interface Tile {
  id: string;
  core: Box;
}

/** Rings of [x, y] pairs in the survey's CRS, metres, closed (first = last): the outer ring counter-clockwise, then holes clockwise. */
export type Ring = [number, number][];
export type Polygon = Ring[];
export type MultiPolygon = Polygon[];

/** A treetop on a canopy height model: the pixel's centre and its height. */
export interface Treetop {
  col: number;
  row: number;
  heightM: number;
}

/** Missing data with its reason: never a zero. `areaM2` is null where it cannot be known. */
export interface VoidArea {
  source: string;
  reason: string;
  areaM2: number | null;
}

/** The kinds of task, in the order in which data flows. */
export type TaskKind = 'bucket' | 'canopy' | 'model' | 'measure' | 'merge';

/** A crown as `canopy` finds it: apex at the centre of its CHM pixel, owned by the tile whose core holds that centre. */
export interface Crown {
  /** pixel of the apex on the CHM's lattice */
  col: number;
  row: number;
  /** apex, metres in the survey's CRS */
  xM: number;
  yM: number;
  heightM: number;
  areaM2: number;
  /** pixel outline: one outer ring, then holes */
  polygon: Polygon;
  /** `near_void`: the crown's reach touches missing data */
  flags: string[];
}

/** LiDAR metrics of one cell of the area grid, by lidR's names; null where a metric does not exist (no return, one return ...). */
export interface CellMetrics {
  /** cell on the anchored lattice of `cells.size_m` */
  col: number;
  row: number;
  values: Record<string, number | null>;
}

export type TreeStatus = 'alive' | 'dead' | 'unknown';
export type SpeciesGroup = 'angiosperm' | 'gymnosperm';

/** One tree of the inventory: the row of table `tree` without run and tile (`store/columns.ts` gives meanings and units). */
export interface Tree {
  treeId: string;
  source: string;
  xM: number;
  yM: number;
  lon: number;
  lat: number;
  heightM: number | null;
  crownAreaM2: number | null;
  crownDiameterM: number | null;
  crownVolumeM3: number | null;
  crownBaseM: number | null;
  dbhCm: number | null;
  dbhCmLo: number | null;
  dbhCmHi: number | null;
  agbKg: number | null;
  agbKgLo: number | null;
  agbKgHi: number | null;
  carbonKg: number | null;
  dbhEquation: string | null;
  agbEquation: string | null;
  speciesGroup: SpeciesGroup | null;
  status: TreeStatus;
  deadFraction: number | null;
  confidence: number | null;
  flags: string[];
  polygon: Polygon | null;
}

/** One stand of the user's layer in the survey's CRS. */
export interface Stand {
  standId: string;
  /** the feature's other attributes, as they came */
  attributes: Record<string, unknown>;
  polygons: MultiPolygon;
}

/** A tile's share of a stand, by pixel centre; merge adds the shares. Areas are whole pixels. */
export interface StandPart {
  standId: string;
  /** lidar, chm, or a model's name */
  source: string;
  validM2: number;
  canopyM2: number | null;
  crownM2: number | null;
  deadM2: number | null;
  /** sums with pixels cut at the border, as decimal text so that adding is exact */
  stems: string | null;
  agbKg: string | null;
  /** of the pixels' standard deviations, their errors taken as shared; null where the model gives none */
  agbSdKg: string | null;
  volumeM3: string | null;
  volumeSdM3: string | null;
  /** of the valid pixels whose deviation is missing; null where the model gives none */
  sdVoidM2: number | null;
}

/** A field plot: a circle, or a polygon, in the survey's CRS; what was measured on it as a whole is null where it was not. */
export interface Plot {
  plotId: string;
  /** centre of the circle, or of the polygon's box */
  xM: number;
  yM: number;
  /** null where the plot is a polygon */
  radiusM: number | null;
  polygons: MultiPolygon | null;
  areaHa: number;
  stemsPerHa: number | null;
  basalAreaM2PerHa: number | null;
  heightM: number | null;
  agbTPerHa: number | null;
}

/** A tree measured on the ground; null where a figure was not. `xM`, `yM` in the survey's CRS. */
export interface PlotTree {
  /** null for a list of mapped trees without plots */
  plotId: string | null;
  treeNo: string;
  xM: number | null;
  yM: number | null;
  species: string | null;
  dbhCm: number | null;
  heightM: number | null;
  crownDiameterM: number | null;
  agbKg: number | null;
  status: TreeStatus;
  /** dominant, understorey ...: where the list states one */
  layer: string | null;
}
