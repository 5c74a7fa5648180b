// pipeline/read-survey.ts: what a survey consists of, from the headers of its inputs. IO.
import { crsFromEpsg } from '../geo/crs.ts';
import { openFingerprints } from './fingerprints.ts';
import type { LoadedJob } from './job-file.ts';
import { resolveModels } from './models.ts';
import { readClouds, statementOfCloud } from './read-clouds.ts';
import { readImages } from './read-images.ts';
import { onlyFile } from './read-inputs.ts';
import { settleGround } from './settle-ground.ts';
import { openStandLayer } from './stand-layer.ts';
import type { InputFault, Survey } from './survey.ts';
import { settleCrs } from './survey-crs.ts';

/** What a user should hear about the inputs. */
export interface SurveyNotes {
  faults: InputFault[];
  waiting: string[];
  /** why the ground is found as it is, where the job leaves it open */
  ground: string | null;
}

/**
 * Read every input's header and settle CRS, grid and models. A file without a readable header is a fault: named, and the others go on; a LiDAR file that is damaged behind it stays, as a void by area.
 *
 * @param verify  read files whole: one that changed where a fingerprint does not look gets another identity
 * @throws {UsageError} for what the job file has to say or unsay; {InvalidInput} for an image or stand layer that cannot be used
 */
export async function readSurvey(loaded: LoadedJob, { verify = false } = {}): Promise<{ survey: Survey; notes: SurveyNotes }> {
  const { job } = loaded, identities = await openFingerprints(loaded.output, loaded.dir, { verify }), waiting: string[] = [];
  const faults: InputFault[] = [], clouds = await readClouds(loaded, identities, waiting, faults);
  const images = await readImages(loaded, identities, waiting, faults);
  const crs = settleCrs(job, [...clouds.map(statementOfCloud), ...images.flatMap(({ statements }) => statements)], loaded.path);
  const ground = await settleGround(job, clouds.map(({ file }) => file));
  const stands = job.inputs.stands
    ? await openStandLayer({ path: await onlyFile(loaded, job.inputs.stands.file, 'inputs.stands.file'), idField: job.inputs.stands.id, crs: crsFromEpsg(crs.epsg), output: loaded.output, identities }) : null;
  await identities.save();
  const layers = images.map(({ layer }) => layer);
  const survey: Survey = {
    name: job.survey, crs, lidar: clouds.map(({ file }) => file), images: layers, stands, models: await resolveModels(loaded, layers), faults, waiting, groundMethod: ground.method,
  };
  return { survey, notes: { faults, waiting, ground: ground.note } };
}
