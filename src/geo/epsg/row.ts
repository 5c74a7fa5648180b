// geo/epsg/row.ts: the rows of the EPSG table.
import type { Area } from './operations.ts';

interface Row {
  code: number;
  name: string;
  /** what ESRI's WKT calls it, or '' */
  esriName: string;
  /** proj4 definition with +towgs84; x,y = east, north */
  proj4: string;
  unit: string;
  /** area of use: west, south, east, north in degrees */
  area: Area;
  /** stated accuracy of the transformation to WGS 84 in metres */
  accuracyM: number | null;
  /** why it is refused, or '' */
  problem: string;
  /** what a user should know, or '' */
  note: string;
}

export interface ProjectedRow extends Row {
  unitToMetre: number;
  /** code of the geographic CRS that it projects */
  base: number;
}

export type GeographicRow = Row;

export interface VerticalRow {
  code: number;
  name: string;
  unit: string;
  unitToMetre: number;
  /** false: depths, positive downward */
  up: boolean;
}

export interface EpsgTable {
  projected: ProjectedRow[];
  geographic: GeographicRow[];
  vertical: VerticalRow[];
}
