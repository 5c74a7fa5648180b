// pipeline/init/sighting.ts: what `init` makes of a file: which input it may be, and why. Types only.

export type Sighting = CloudSighting | HeightSighting | ImageSighting | LayerSighting | TableSighting | UnusedSighting;

interface Seen {
  /** relative to the folder, with / */
  path: string;
  /** why it is taken for this, or why it is not used */
  reason: string;
}

export interface CloudSighting extends Seen {
  kind: 'lidar';
}

export interface HeightSighting extends Seen {
  kind: 'chm' | 'dtm';
}

export interface ImageSighting extends Seen {
  kind: 'image';
  bands: string[];
  /** pixel size, place and size on the ground, CRS units; files of one layer share the first and do not cover each other */
  gsd: number;
  box: [number, number, number, number];
  /** what files of one layer have in common: bands, type, CRS */
  group: string;
}

export interface LayerSighting extends Seen {
  kind: 'polygons';
  features: number;
  fields: string[];
  /** fields whose values are all there and differ, best first */
  ids: string[];
  use: 'stands' | 'area' | 'mask' | 'plots';
}

export interface TableSighting extends Seen {
  kind: 'plots' | 'plot_trees';
}

export interface UnusedSighting extends Seen {
  kind: 'unused';
}
