// pipeline/survey.ts: what a survey consists of, as its headers say: the input of the plan. Records only.
import type { Box, Lattice, Window } from '../types.ts';
import type { ModelCard } from '../infer/card.ts';

export interface SurveyCrs {
  epsg: number;
  name: string;
  /** where it was read: the job file, or the first input that states it */
  from: string;
}

/** A LiDAR file that may be read. */
export interface LidarFile {
  path: string;
  fingerprint: string;
  bytes: number;
  pointCount: number;
  /** header box, grown by one scale unit, metres: points outside are dropped and counted */
  box: Box;
  z0M: number;
  z1M: number;
}

/** An input that cannot be used: named everywhere, exit 3. */
export interface InputFault {
  /** lidar, or the name of the image */
  input: string;
  path: string;
  reason: string;
}

export interface ImageFile {
  path: string;
  fingerprint: string;
  bytes: number;
  window: Window;
}

/** The files of one image on their common lattice. */
export interface ImageLayer {
  name: string;
  bands: string[];
  lattice: Lattice;
  window: Window;
  files: ImageFile[];
  box: Box;
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

export interface SurveyModel {
  name: string;
  dir: string;
  on: string;
  primary: boolean;
  card: ModelCard;
}

export interface Survey {
  name: string;
  crs: SurveyCrs;
  lidar: LidarFile[];
  images: ImageLayer[];
  stands: StandLayer | null;
  models: SurveyModel[];
  faults: InputFault[];
  /** files younger than settle_minutes: the next run takes them */
  waiting: string[];
  /** what `ground: auto` came to */
  groundMethod: 'classified' | 'smrf' | 'pmf';
}
