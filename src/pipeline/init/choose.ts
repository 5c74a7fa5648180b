// pipeline/init/choose.ts: which of the files that were seen become which input; what is left says why. Pure.
import type { FolderSight } from './look-at-folder.ts';
import { patternOf } from './look-at-folder.ts';
import type { ImageSighting, LayerSighting, Sighting, TableSighting } from './sighting.ts';

/** Files that are one input, as the job file names them. */
export interface FileGroup {
  /** paths and patterns */
  files: string[];
  count: number;
  reason: string;
}

export interface ImageGroup extends FileGroup {
  name: string;
  bands: string[];
}

export interface Choice {
  lidar: FileGroup[];
  chm: FileGroup[];
  dtm: FileGroup[];
  images: ImageGroup[];
  stands: LayerSighting | null;
  area: LayerSighting | null;
  masks: LayerSighting[];
  plots: TableSighting | LayerSighting | null;
  plotTrees: TableSighting | null;
  /** inputs that were seen and are not taken: their line of the job file as a comment */
  alternatives: { line: string; reason: string }[];
  unused: { path: string; reason: string }[];
}

const byKind = <K extends Sighting['kind']>(sightings: readonly Sighting[], kind: K) => sightings.filter((each): each is Extract<Sighting, { kind: K }> => each.kind === kind);
const depthOf = (path: string): number => path.split('/').length;
const shallowest = <T extends { path: string }>(all: readonly T[]): { taken: T[]; left: T[] } => {
  const depth = Math.min(...all.map(({ path }) => depthOf(path)));
  return { taken: all.filter(({ path }) => depthOf(path) === depth), left: all.filter(({ path }) => depthOf(path) > depth) };
};

/** Of files of one kind in folders of different depth the uppermost are taken; of several stand layers, areas or plot tables the first; the others stay comments. */
export function choose({ sightings, byPattern }: FolderSight): Choice {
  const alternatives: Choice['alternatives'] = [], masks: LayerSighting[] = [];
  const heights = (kind: 'lidar' | 'chm' | 'dtm'): FileGroup[] => {
    const { taken, left } = shallowest(byKind(sightings, kind));
    for (const { files, reason } of grouped(left, byPattern)) alternatives.push({ line: `${kind}: { files: [${files.map(yamlText).join(', ')}] }`, reason: `${reason}; deeper than the files taken: another survey?` });
    return grouped(taken, byPattern);
  };
  const layers = byKind(sightings, 'polygons'), of = (use: LayerSighting['use']) => layers.filter((layer) => layer.use === use).sort((a, b) => depthOf(a.path) - depthOf(b.path));
  const first = <T extends { path: string; reason: string }>(all: readonly T[], lineOf: (one: T) => string): T | null => {
    for (const other of all.slice(1)) alternatives.push({ line: lineOf(other), reason: `${other.reason}; another of the kind is taken` });
    return all[0] ?? null;
  };
  const withId = of('stands').filter(({ ids }) => ids.length > 0), withoutId = of('stands').filter(({ ids }) => ids.length === 0);
  for (const { path, reason } of withoutId) alternatives.push({ line: `stands: { file: ${yamlText(path)}, id: FIELD }`, reason: `${reason}; none of them is there and unique in every feature: make one that is` });
  masks.push(...of('mask'));
  const tables = (kind: TableSighting['kind']) => byKind(sightings, kind).sort((a, b) => depthOf(a.path) - depthOf(b.path));
  return {
    lidar: heights('lidar'), chm: heights('chm'), dtm: heights('dtm'), images: imageGroups(byKind(sightings, 'image'), byPattern),
    stands: first(withId, ({ path, ids }) => `stands: { file: ${yamlText(path)}, id: ${yamlText(ids[0]!)} }`), area: first(of('area'), ({ path }) => `area: ${yamlText(path)}`), masks,
    plots: first<TableSighting | LayerSighting>([...tables('plots'), ...of('plots')], ({ path }) => `plots: { file: ${yamlText(path)} }`),
    plotTrees: first(tables('plot_trees'), ({ path }) => `plots: { trees: ${yamlText(path)} }`),
    alternatives, unused: byKind(sightings, 'unused').map(({ path, reason }) => ({ path, reason })),
  };
}

/** Files of one kind by folder: a pattern where it catches no other file, else each by name. */
function grouped(files: readonly { path: string; reason: string }[], byPattern: FolderSight['byPattern']): FileGroup[] {
  const groups = new Map<string, { path: string; reason: string }[]>();
  for (const file of files) groups.set(patternOf(file.path), [...(groups.get(patternOf(file.path)) ?? []), file]);
  return [...groups].map(([pattern, members]) => {
    const isWhole = members.length > 1 && members.length === byPattern.get(pattern)!.length;
    return { files: isWhole ? [escapeGlob(pattern)] : members.map(({ path }) => path), count: members.length, reason: members.length === 1 ? members[0]!.reason : `${members.length} files, the first: ${members[0]!.reason}` };
  });
}

/** A folder's name may hold what a pattern gives a meaning to. */
const escapeGlob = (pattern: string): string => {
  const cut = pattern.lastIndexOf('/') + 1;
  return pattern.slice(0, cut).replace(/[[\]*?{}!()]/g, '[$&]') + pattern.slice(cut);
};

/** Images: tiles beside each other are one, files that cover each other are one each. */
function imageGroups(images: readonly ImageSighting[], byPattern: FolderSight['byPattern']): ImageGroup[] {
  const sets = new Map<string, ImageSighting[]>();
  for (const image of images) {
    const key = `${patternOf(image.path)} ${image.group}`;
    sets.set(key, [...(sets.get(key) ?? []), image]);
  }
  const groups = [...sets.values()].flatMap((set) => (cover(set) ? set.map((image) => [image]) : [set])), taken = new Set<string>();
  return groups.map((set) => {
    const [{ files, count, reason }] = grouped(set, byPattern) as [FileGroup], name = imageName(set, taken);
    return { name, files, count, reason, bands: set[0]!.bands };
  });
}

/** Whether any two files share more than half of the smaller one's ground. */
function cover(images: readonly ImageSighting[]): boolean {
  const area = ([x0, y0, x1, y1]: ImageSighting['box']): number => Math.max(0, x1 - x0) * Math.max(0, y1 - y0);
  return images.some(({ box: a }, i) => images.slice(i + 1).some(({ box: b }) => {
    const common = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
    return common > Math.min(area(a), area(b)) / 2;
  }));
}

/** A name as the job file wants it, of the file or its folder. */
function imageName(set: readonly ImageSighting[], taken: Set<string>): string {
  const [first] = set, parts = first!.path.split('/'), stem = set.length === 1 || parts.length === 1 ? parts.at(-1)!.replace(/\.[^.]+$/, '') : parts.at(-2)!;
  const plain = stem.toLowerCase().replace(/[^a-z0-9_-]+/g, '-').replace(/^[^a-z]+/, '').slice(0, 30) || 'image';
  let name = ['chm', 'dtm', 'lidar', 'valid_area'].includes(plain) ? `${plain}-image` : plain;
  for (let i = 2; taken.has(name); i++) name = `${plain}-${i}`;
  taken.add(name);
  return name;
}

/** A text as a YAML scalar within [ ] or { }: bare where it cannot be taken for anything else. */
export const yamlText = (text: string): string => (/^[A-Za-z_][A-Za-z0-9_./*-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text) ? text : JSON.stringify(text));

