// pipeline/pictures-match.ts: the radiometric match of a folder of pictures: read from a file, or fitted to them. IO.
import { readFile } from 'node:fs/promises';
import { InvalidInput, ModelError, UsageError, messageOf } from '../errors.ts';
import { issueLines } from '../infer/card.ts';
import type { ModelCard } from '../infer/card.ts';
import { RadiometricMatch, fitMeanSd } from '../infer/radiometry.ts';
import type { BandMatch } from '../infer/radiometry.ts';
import type { PictureFiles } from './pictures-folder.ts';
import { readPicture } from './pictures-read.ts';

/** Read a file of `fit JOB radiometry`. @throws {InvalidInput} for a file that is none; {UsageError} for a match of another network */
export async function readMatch(path: string, card: ModelCard): Promise<RadiometricMatch> {
  let record: unknown;
  try {
    record = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new InvalidInput(`${path}: no match: ${messageOf(cause)}; give a file of understory fit JOB radiometry, or --match fit`, { source: path }, { cause });
  }
  const parsed = RadiometricMatch.safeParse(record);
  if (!parsed.success) throw new InvalidInput(`${path} is no radiometric match (a file of understory fit JOB radiometry):\n  ${issueLines(parsed.error).join('\n  ')}`, { source: path });
  if (parsed.data.card.sha256 === card.sha256) return parsed.data;
  throw new UsageError(`--match ${path}: was made for ${parsed.data.card.name} ${parsed.data.card.version} (sha256 ${parsed.data.card.sha256.slice(0, 12)}), the model is ${card.name} ${card.version} (${card.sha256.slice(0, 12)})`, { source: path });
}

/** One value in so many is looked at, so that about this many are held. */
const ENOUGH_PX = 4_000_000;

/**
 * Fit the match to pictures, all together, as `fit JOB radiometry --method mean-sd` does to a survey's images: what a user would have who fitted it to a survey
 * of these places. References do not enter.
 *
 * @throws {ModelError} when the card has no statistics of a band that the pictures have
 */
export async function fitToPictures(files: readonly PictureFiles[], { input, name, version, sha256 }: ModelCard, { bands = null }: { bands?: readonly string[] | null | undefined }): Promise<RadiometricMatch> {
  const values = new Map<string, Float32Array[]>();
  for (const file of files) {
    const picture = await readPicture(file, bands), step = Math.max(1, Math.ceil((picture.mask.length * files.length) / ENOUGH_PX));
    picture.roles.forEach((role, b) => {
      if (!input.bands.includes(role)) return;
      const band = picture.bands[b]!;
      values.set(role, [...(values.get(role) ?? []), Float32Array.from(band).filter((value, i) => i % step === 0 && picture.mask[i] === 1 && Number.isFinite(value))]);
    });
  }
  const matches = [...values].map(([band, lists]): [string, BandMatch] => {
    const statistics = input.statistics[band];
    if (!statistics) throw new ModelError(`${name}: its card has no statistics of ${band}; nothing can be matched to them`, { source: name });
    return [band, fitMeanSd(joined(lists).sort(), statistics, { band, scale: input.scale })];
  });
  return { fit: 'radiometry', method: 'mean-sd', card: { name, version, sha256 }, images: [], made_from: 'pictures', bands: Object.fromEntries(matches) };
}

function joined(lists: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}
