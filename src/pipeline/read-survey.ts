// pipeline/read-survey.ts: what a survey consists of, from the headers of its inputs. IO.
import type { Box } from '../types.ts';
import { UsageError } from '../errors.ts';
import { crsFromEpsg } from '../geo/crs.ts';
import { bboxOf } from '../geo/polygon.ts';
import { relationToArea } from './clip.ts';
import { openFingerprints } from './fingerprints.ts';
import { readEquationFiles } from './fits.ts';
import { isTableCard } from '../infer/card.ts';
import type { LoadedJob } from './job-file.ts';
import { readModels, settleModels } from './models.ts';
import { placeClouds, readClouds, statementOfCloud } from './read-clouds.ts';
import { readLayers } from './read-layers.ts';
import { layHeights, layImage, notesOnHeights, readRasters } from './read-rasters.ts';
import { matchNotes } from './radiometry.ts';
import { rastersOf, surveyBox } from './plan.ts';
import { fileBoxes } from './plan-layers.ts';
import { settleGround } from './settle-ground.ts';
import type { InputFault, Survey } from './survey.ts';
import { settleCrs } from './survey-crs.ts';

/** What a user should hear about the inputs. */
export interface SurveyNotes {
  faults: InputFault[];
  waiting: string[];
  /** why the ground is found as it is, where the job leaves it open */
  ground: string | null;
  /** what was mended, skipped or looks odd, a sentence each */
  inputs: string[];
}

/**
 * Read every input's header and settle CRS, grid and models. A file without a readable header is a fault: named, and the others go on; a LiDAR file that is damaged behind it stays, as a void by area.
 *
 * @param verify  read files whole: one that changed where a fingerprint does not look gets another identity
 * @throws {UsageError} for what the job file has to say or unsay; {InvalidInput} for a raster or vector layer that cannot be used
 */
export async function readSurvey(loaded: LoadedJob, { verify = false } = {}): Promise<{ survey: Survey; notes: SurveyNotes }> {
  const { job } = loaded, identities = await openFingerprints(loaded.output, loaded.dir, { verify }), waiting: string[] = [], ofClouds: InputFault[] = [], ofRasters: InputFault[] = [], notes: string[] = [];
  const clouds = await readClouds(loaded, identities, waiting, ofClouds), rasters = await readRasters(loaded, identities, waiting, ofRasters);
  const settled = settleCrs(job, [...clouds.map(statementOfCloud), ...rasters.flatMap(({ statements }) => statements)], loaded.path);
  const { crs } = settled, lidar = await placeClouds(clouds, settled, job.tiles.size_m, ofClouds), faults = [...ofClouds, ...ofRasters];
  notes.push(...settled.notes, ...rasters.flatMap(notesOnHeights));
  const ground = await settleGround(job, lidar);
  const heights = (name: 'chm' | 'dtm') => rasters.filter((raster) => raster.name === name).map((raster) => layHeights(loaded, name, raster, settled))[0] ?? null;
  const named = await readModels(loaded, identities), gsdOf = (image: string) => named.flatMap(({ on, card }) => (on.includes(image) && !isTableCard(card) ? [card.input.gsdM] : []))[0] ?? null;
  const images = rasters.filter(({ name }) => name in job.inputs.images).map((raster) => layImage(loaded, raster, { epsg: crs.epsg, gsdM: gsdOf(raster.name) }));
  const layers = await readLayers({ loaded, identities, surveyCrs: crsFromEpsg(crs.epsg), note: (text) => void notes.push(text) });
  const inputs = { crs, lidar, chm: heights('chm'), dtm: heights('dtm'), images, canopySource: job.inputs.lidar ? 'lidar' as const : job.inputs.chm ? 'chm' as const : null };
  const survey: Survey = {
    name: job.survey, ...inputs, ...layers, equations: await readEquationFiles(loaded, identities), models: settleModels(named, inputs, { job, rasters }), faults, waiting, groundMethod: ground.method,
  };
  refuseFarArea(survey, loaded);
  notes.push(...matchNotes(survey.models));
  await identities.save();
  return { survey, notes: { faults, waiting, ground: ground.note, inputs: notes } };
}

/** An area beside all inputs would give an empty inventory in the place of yesterday's. @throws {UsageError} with both boxes */
function refuseFarArea(survey: Survey, loaded: LoadedJob): void {
  const { area, lidar, crs } = survey, boxes = [...lidar.map(({ box }) => box), ...rastersOf(survey).flatMap(fileBoxes)], inputs = surveyBox(survey), bounds = area && bboxOf(area.polygons);
  if (!bounds || !inputs || boxes.some((box) => relationToArea(area, box) !== 'outside')) return;
  const said = ({ x0, y0, x1, y1 }: Box): string => `x ${Math.round(x0)} to ${Math.round(x1)}, y ${Math.round(y0)} to ${Math.round(y1)}`;
  throw new UsageError(`${loaded.at('area')}: area: ${area!.path} meets none of the inputs: in EPSG:${crs.epsg} it lies at ${said(bounds)}, they lie at ${said(inputs)}; name the right area, or correct its CRS`, { source: loaded.path, path: 'area' });
}
