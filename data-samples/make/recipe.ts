// make/recipe.ts: what a synthetic survey is made from. Plain records; places are metres east and north of the extent's lower-left corner.

/** Where and how trees grow in a patch. */
export interface Planting {
  /** rows: distance between rows and within a row, metres; missing: trees are scattered, large ones first */
  rows?: { rowM: number; stemM: number };
  /** stems of the upper storey; rows make their own number */
  stemsPerHa: number;
  heightM: { mean: number; sd: number; min: number; max: number };
  /** two stems stand no closer than this share of their crown radii added up */
  closeness: number;
  angiospermShare: number;
  deadShare: number;
  /** one species for the upper storey, else drawn within the group */
  species?: string;
  understorey: { stemsPerHa: number; angiospermShare: number; minM: number; maxM: number };
}

export type LocalRing = [number, number][];

export interface StandPlan {
  standNo: string;
  name: string;
  species: string;
  ring: LocalRing;
}

export interface Recipe {
  name: string;
  seed: number;
  /** lower-left corner in EPSG:32611 and size, metres; multiples of 0.5 m */
  extent: { x0: number; y0: number; widthM: number; heightM: number };
  terrain: { baseM: number; slopeEast: number; slopeNorth: number; reliefM: number; waveM: number };
  /** the first patch that holds a place plants it; `background` plants the rest */
  patches: { name: string; ring: LocalRing; planting: Planting }[];
  background: Planting | null;
  /** stands may overlap each other and need not match the patches */
  stands: StandPlan[];
  /** ellipses without trees: half axes in metres */
  openings: { x: number; y: number; halfEastM: number; halfNorthM: number }[];
  /** boxes without a single LiDAR return: x0, y0, x1, y1 */
  voids: [number, number, number, number][];
  plots: { plotId: string; x: number; y: number; radiusM: number }[];
  lidar: {
    /** pulses per m2 of one flight line */
    pulsesPerM2: number;
    altitudeM: number;
    /** each line's track (x at the lower edge) and half swath, metres; lines run north, leaning `lean` metres east per metre */
    lines: { trackX: number; halfSwathM: number }[];
    lean: number;
    /** files are cut along lines that lean, at these x of the lower edge */
    cutsX: number[];
    cutLean: number;
  };
  /** rasters to write beside the points */
  ortho: boolean;
  chm: boolean;
  /** the same forest some years on: its truth alone, or a whole second survey in `later/` */
  later?: { years: number; mortality: number; removed: LocalRing; write: 'truth' | 'survey' };
  /** the whole extent again and again, eastward and northward: for clouds of any size */
  repeat?: { across: number; down: number };
}
