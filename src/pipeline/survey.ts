// pipeline/survey.ts: what a survey consists of, as its headers say: the input of the plan. Records only.
import type { Box, Lattice, MultiPolygon, Window } from '../types.ts';
import type { AnyCard } from '../infer/card.ts';
import type { RadiometricMatch } from '../infer/radiometry.ts';
import type { EquationTable } from '../measure/allometry/table.ts';
import type { ImagePlan, ImageFile as PlacedFile } from '../ingest/image-plan.ts';

export interface SurveyCrs {
  epsg: number;
  name: string;
  /** where it was read: the job file, the first input that states it, or the inputs' place */
  from: string;
}

/** A LiDAR file that may be read. */
export interface LidarFile {
  path: string;
  fingerprint: string;
  bytes: number;
  pointCount: number;
  /** header box, grown by one scale unit, metres: points outside are dropped and counted; from another CRS 21 points a side, grown by 1 m */
  box: Box;
  z0M: number;
  z1M: number;
  /** the file's own CRS, and metres in one unit of its z; null: the survey's CRS, in metres */
  conversion: { epsg: number; zToMetre: number } | null;
}

/** An input that cannot be used: named everywhere, exit 3. */
export interface InputFault {
  /** lidar, or the name of the image */
  input: string;
  path: string;
  reason: string;
}

export interface ImageFile extends PlacedFile {
  fingerprint: string;
  bytes: number;
  /** the day that the file states, `2026-06-03`; left out where it states none */
  day?: string;
}

/** The files of one image on their common lattice. */
export interface ImageLayer extends Omit<ImagePlan, 'bands' | 'epsg' | 'files'> {
  name: string;
  bands: string[];
  files: ImageFile[];
  box: Box;
}

/** Height rasters made elsewhere: one band, `height`, metres after `zToMetre`. */
export interface HeightLayer extends ImageLayer {
  /** metres in one unit of the files' heights */
  zToMetre: number;
}

/** Where the survey ends: trees by apex, pixels by centre. */
export interface SurveyArea {
  path: string;
  fingerprint: string;
  bytes: number;
  /** in the survey's CRS; parts do not overlap */
  polygons: MultiPolygon;
  hash: string;
}

/** A file that is read as a whole. */
export interface SideFile {
  path: string;
  fingerprint: string;
  bytes: number;
}

/** A file of equations; its content travels in the plan, so that a worker needs no file. */
export interface EquationFile extends SideFile {
  /** as in the job file */
  name: string;
  table: EquationTable;
}

/** A file that brings images to what a network was trained on; its content travels in the plan. */
export interface MatchFile extends SideFile {
  match: RadiometricMatch;
}

/** One stand of the layer: its box and the hash of all that it says. */
export interface StandEntry {
  standId: string;
  box: Box;
  hash: string;
  /** where its record lies in the layer's file, bytes */
  offset: number;
  length: number;
}

/** The stand layer in the survey's CRS, as records in one file. */
export interface StandLayer {
  path: string;
  fingerprint: string;
  bytes: number;
  records: string;
  hash: string;
  entries: StandEntry[];
}

/** One input of a model: files, or what earlier tasks make. */
export interface ModelInput {
  /** chm, dtm, or the name of an image or of a model */
  name: string;
  /** what its bands are, in their order */
  roles: string[];
  /** files on the model's pixels; null: made by earlier tasks */
  layer: ImageLayer | null;
  /** the raster that earlier tasks make: of each tile's canopy, or of each block of a model (its index); null for files */
  product: { of: 'canopy' | number; raster: string; lattice: Lattice } | null;
}

export interface SurveyModel {
  name: string;
  dir: string;
  primary: boolean;
  card: AnyCard;
  inputs: ModelInput[];
  /** the pixels that it runs on, and those that its inputs cover; null for a model of a table */
  grid: { lattice: Lattice; window: Window } | null;
  /** where each band of the card comes from: an input's index and a role; null: the card's fill */
  bands: ({ input: number; role: string } | null)[];
  /** brings the values of its bands to those of its training; null: as they are */
  match: MatchFile | null;
}

export interface Survey {
  name: string;
  crs: SurveyCrs;
  lidar: LidarFile[];
  images: ImageLayer[];
  chm: HeightLayer | null;
  dtm: HeightLayer | null;
  area: SurveyArea | null;
  /** polygons in which nothing is reported */
  masks: StandLayer[];
  stands: StandLayer | null;
  plots: { file: SideFile; trees: SideFile | null } | null;
  /** what the inventory is compared with */
  reference: { trees: SideFile | null; plots: SideFile | null; area: SideFile | null } | null;
  /** files of equations that the job names */
  equations: EquationFile[];
  models: SurveyModel[];
  faults: InputFault[];
  /** files younger than settle_minutes: the next run takes them */
  waiting: string[];
  /** where trees and canopy come from: `lidar` where the job has it, else `chm`; null: neither */
  canopySource: 'lidar' | 'chm' | null;
  /** what `ground: auto` came to */
  groundMethod: 'classified' | 'smrf' | 'pmf';
}
