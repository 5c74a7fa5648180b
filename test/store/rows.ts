// test/store/rows.ts: rows with every column filled in, to be changed where a test needs it.
import type { Polygon, StandPart, Tree } from '../../src/types.ts';

export const square = (x: number, y: number, sizeM: number): Polygon =>
  [[[x, y], [x + sizeM, y], [x + sizeM, y + sizeM], [x, y + sizeM], [x, y]]];

export type TreeRow = Tree & { tile: string };

/** An alive LiDAR tree with a crown of 4 m2. */
export function treeRow(fields: Partial<TreeRow> & { treeId: string }): TreeRow {
  const xM = fields.xM ?? 10, yM = fields.yM ?? 20;
  return {
    tile: '0_0', source: 'lidar', xM, yM, lon: 12.5, lat: 47.25, heightM: 10, crownAreaM2: 4, crownDiameterM: 2.256758,
    crownVolumeM3: null, crownBaseM: null, dbhCm: 20, dbhCmLo: null, dbhCmHi: null, agbKg: 100, agbKgLo: null, agbKgHi: null,
    carbonKg: 47, dbhEquation: null, agbEquation: null, speciesGroup: 'gymnosperm', status: 'alive', deadFraction: null,
    confidence: null, flags: [], polygon: square(xM - 1, yM - 1, 2), ...fields,
  };
}

export function standPartRow(fields: Partial<StandPart> & { standId: string }): StandPart {
  return { source: 'lidar', validM2: 10_000, canopyM2: 5000, crownM2: 4000, deadM2: null, stems: null, agbKg: null, agbSdKg: null, volumeM3: null, volumeSdM3: null, sdVoidM2: null, ...fields };
}
