// pipeline/pictures-folder.ts: the pictures of a folder, the files of references beside them, and which belong together. IO.
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InvalidInput, UsageError } from '../errors.ts';
import { openFile } from '../files/byte-source.ts';
import { openCsv } from '../ingest/csv.ts';

/** A picture with the files that say what is in it. */
export interface PictureFiles {
  /** its file without endings */
  name: string;
  /** GeoTIFF, WebP, PNG or JPEG; of a pair that with red, green, blue */
  image: string;
  /** grey picture of the near infrared, of a pair */
  nir: string | null;
  /** points or boxes (.csv, YOLO .txt), or a mask; null where there is none */
  reference: string | null;
  /** the folder's name, where folders are classes */
  className: string | null;
  /** the place that is resampled as a whole */
  unit: string;
  /** `city:claremont` ... */
  strata: string[];
}

export interface FolderOptions {
  /** a folder within the pictures' (`val`), or the column `split` of index.csv */
  split?: string | undefined;
  /** folder of the references, or the file of one picture; default: beside the pictures */
  reference?: string | undefined;
}

const IMAGE = /\.(tiff?|webp|png|jpe?g)$/i, MASK = /\.mask\.png$/i, NIR = /\.nir\.(webp|png)$/i;
const stemOf = (file: string): string => file.replace(IMAGE, '').replace(/\.rgb$/i, '');
const isPicture = (file: string): boolean => IMAGE.test(file) && !MASK.test(file) && !NIR.test(file);
/** Endings of references, in the order in which they are looked for. */
const REFERENCES = ['.csv', '.mask.png', '.txt'];

/**
 * List pictures by name. `DIR` may be one picture, a folder of pictures, or one of folders that are named by the class of the pictures in them.
 *
 * @throws {UsageError} when there is no picture, or the split is not there; {InvalidInput} for two pictures of one name
 */
export async function listPictures(dir: string, { split, reference }: FolderOptions = {}): Promise<PictureFiles[]> {
  const info = await stat(dir).catch((cause: unknown) => {
    throw new UsageError(`${dir}: nothing there; name a folder of pictures with --pictures`, { source: dir }, { cause });
  });
  if (!info.isDirectory()) return withIndex([await pictureOf(dirname(dir), basename(dir), await namesIn(dirname(dir)), { reference })], await readIndex(dirname(dir)));
  const index = (await readIndex(dir)) ?? (await readIndex(dirname(dir))), inner = split === undefined ? null : join(dir, split);
  const own = inner !== null && (await isFolder(inner)), folder = own ? inner : dir, listed = await picturesIn(folder, { reference });
  if (inner !== null && !own && !index?.has('split')) throw new UsageError(`--split ${split}: ${dir} has no folder ${split}, and no index.csv with columns file, split`, { source: dir });
  const members = inner !== null && !own ? listed.filter(({ name }) => index!.get('split')!.get(name) === split) : listed;
  if (members.length === 0) throw new UsageError(`${folder}: holds no picture (.tif, .webp, .png, .jpg)${own || split === undefined ? '' : ` that index.csv lists as ${split}`}`, { source: folder });
  return withIndex(members, index);
}

const isFolder = (path: string): Promise<boolean> => stat(path).then((info) => info.isDirectory(), () => false);
const namesIn = async (dir: string): Promise<string[]> => (await readdir(dir)).sort();

async function picturesIn(dir: string, { reference }: FolderOptions): Promise<PictureFiles[]> {
  const names = await namesIn(dir), files = names.filter(isPicture);
  if (files.length > 0) {
    if (files.length > 1 && reference !== undefined && !(await isFolder(reference))) throw new UsageError(`--reference ${reference}: is one file, ${dir} has ${files.length} pictures; name the folder of their references`, { source: reference });
    const beside = reference === undefined ? names : await namesIn((await isFolder(reference)) ? reference : dirname(reference)), pictures: PictureFiles[] = [];
    for (const file of files) pictures.push(await pictureOf(dir, file, beside, { reference }, names));
    refuseTwins(pictures);
    return pictures;
  }
  const classes: PictureFiles[] = [];
  for (const name of names) {
    if (!(await isFolder(join(dir, name)))) continue;
    for (const file of (await namesIn(join(dir, name))).filter(isPicture)) classes.push({ name: `${name}/${stemOf(file)}`, image: join(dir, name, file), nir: null, reference: null, className: name, unit: `${name}/${stemOf(file)}`, strata: [] });
  }
  return classes;
}

function refuseTwins(pictures: readonly PictureFiles[]): void {
  const known = new Map<string, string>();
  for (const { name, image } of pictures) {
    if (known.has(name)) throw new InvalidInput(`${image}: ${basename(known.get(name)!)} beside it is of the same name; one of the two would be scored twice: take one out`, { source: image });
    known.set(name, image);
  }
}

/** @param beside  names in the folder of references */
async function pictureOf(dir: string, file: string, beside: readonly string[], { reference }: FolderOptions, siblings: readonly string[] = beside): Promise<PictureFiles> {
  const name = stemOf(file), isPair = /\.rgb\.[a-z]+$/i.test(file), nir = isPair ? siblings.find((other) => NIR.test(other) && other.replace(NIR, '') === name) : undefined;
  const isFile = reference !== undefined && !(await isFolder(reference)), folder = reference === undefined || isFile ? dir : reference;
  const own = REFERENCES.map((ending) => `${name}${ending}`).find((each) => beside.includes(each));
  return { name, image: join(dir, file), nir: nir === undefined ? null : join(dir, nir), reference: isFile ? reference : own === undefined ? null : join(folder, own), className: null, unit: name, strata: [] };
}

/** Columns of index.csv by the name of the picture; null without one, or without a column `file`. */
async function readIndex(dir: string): Promise<Map<string, Map<string, string>> | null> {
  const path = join(dir, 'index.csv');
  if (!(await stat(path).then((info) => info.isFile(), () => false))) return null;
  const source = await openFile(path);
  try {
    const table = await openCsv(source), columns = new Map(table.columns.map((column) => [column, new Map<string, string>()]));
    if (!columns.has('file')) return null;
    for await (const { values } of table.rows()) {
      const name = stemOf(values.get('file') ?? '');
      for (const [column, value] of values) columns.get(column)?.set(name, value);
    }
    return columns;
  } finally {
    await source.close();
  }
}

/** Columns of index.csv that tell pictures apart: the first of which the pictures have several values. */
const GROUPS = ['city', 'state', 'site', 'county'];

/** Places and groups: of index.csv, else each picture is a place, and pictures named SITE_... are of that site. */
function withIndex(pictures: PictureFiles[], index: Map<string, Map<string, string>> | null): PictureFiles[] {
  const valueOf = (column: string, { name }: PictureFiles): string | undefined => index?.get(column)?.get(name);
  const group = GROUPS.find((column) => new Set(pictures.map((picture) => valueOf(column, picture))).size > 1 && pictures.every((picture) => valueOf(column, picture)));
  const sites = pictures.map(({ name }) => /^([A-Za-z]+)_/.exec(name)?.[1]), bySite = index === null && new Set(sites).size > 1 && sites.every((site) => site !== undefined);
  return pictures.map((picture, i) => {
    const place = valueOf('place', picture), city = valueOf('city', picture) ?? '';
    const strata = group !== undefined ? [`${group}:${valueOf(group, picture)}`] : bySite ? [`site:${sites[i]}`] : [];
    return { ...picture, unit: place === undefined ? picture.unit : `${city}/${place}`, strata };
  });
}
