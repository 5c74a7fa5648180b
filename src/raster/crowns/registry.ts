// raster/crowns/registry.ts: the crown methods by the name that a job file gives.
import { climb } from './climb.ts';
import { dalponte } from './dalponte.ts';
import type { CrownMethod, CrownMethodName } from './params.ts';
import { silva } from './silva.ts';

export const crownMethods: Readonly<Record<CrownMethodName, CrownMethod>> = { watershed: climb, dalponte, silva };
