// pipeline/init-job.ts: the job file that `init` writes: every input with the reason why it is taken for it. Pure.
import type { Choice, FileGroup } from './init/choose.ts';
import { yamlText } from './init/choose.ts';

export interface JobText {
  survey: string;
  choice: Choice;
  /** what was not looked into */
  notes: readonly string[];
  /** why the job does not run as it stands; null: it does */
  missing: string | null;
}

/** Whether there is anything that a survey can be made of. */
export const isEnough = ({ lidar, chm, images }: Choice): boolean => lidar.length + chm.length + images.length > 0;

/** A survey's name from a folder's. */
export const surveyName = (folder: string): string => folder.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '').slice(0, 60) || 'survey';

/** The text of job.yaml. What was seen and is not taken stands there as a comment. */
export function jobText({ survey, choice, notes, missing }: JobText): string {
  return [
    '# Written by `understory init`. Everything that is not here has a default: `understory check` prints the whole job.',
    '# A line that starts with # is a comment: it has no effect until the # is taken away.',
    ...(missing === null ? [] : ['#', '# TO FILL IN before this job runs:', ...missing.split('\n').map((line) => `#   ${line}`)]),
    `survey: ${yamlText(survey)}`,
    'output: out',
    ...(choice.area ? [commented(`area: ${yamlText(choice.area.path)}`, `${choice.area.reason}; named as the area`, '')] : []),
    ...(missing !== null && /`crs: EPSG:\w+`(?! to inputs)/.test(missing) ? ['# crs: EPSG:N          # TO FILL IN: the survey\'s CRS, projected and in metres'] : []),
    'inputs:',
    ...inputLines(choice, missing),
    ...(choice.images.length > 0 ? ['# models:               # what networks read from the images; understory model list names those that come with it', `#   - { use: MODEL, on: ${choice.images[0]!.name} }`] : []),
    ...speciesLines(choice),
    ...exportLines(choice),
    ...others(choice, notes),
    '',
  ].join('\n');
}

const commented = (line: string, reason: string, indent = '  '): string => `${indent}# ${reason}\n${indent}${line}`;
const list = (groups: readonly FileGroup[]): string => groups.flatMap(({ files }) => files).map(yamlText).join(', ');
const reasons = (groups: readonly FileGroup[]): string => groups.map(({ files, reason }) => (groups.length > 1 ? `${files[0]}${files.length > 1 ? ' ...' : ''}: ${reason}` : reason)).join('\n  # ');

/** The files of an input; where its CRS is missing, on lines of their own with the one to fill in. */
function filesLine(name: string, groups: readonly FileGroup[], missing: string | null): string {
  if (!missing?.includes(`crs: EPSG:N\` to inputs.${name}`)) return `${`${name}:`.padEnd(7)} { files: [${list(groups)}] }`;
  return `${name}:\n    files: [${list(groups)}]\n    # crs: EPSG:N      # TO FILL IN: the code of these files' CRS`;
}

function inputLines({ lidar, chm, dtm, images, masks, stands, plots, plotTrees }: Choice, missing: string | null): string[] {
  const lines: string[] = [];
  if (lidar.length > 0) lines.push(commented(filesLine('lidar', lidar, missing), reasons(lidar)));
  if (chm.length > 0) lines.push(commented(filesLine('chm', chm, missing), `${reasons(chm)}${lidar.length > 0 ? '; trees come from lidar, this is a raster for models and comparison' : ''}`));
  if (dtm.length > 0) lines.push(commented(filesLine('dtm', dtm, missing), reasons(dtm)));
  if (images.length > 0) lines.push('  images:', ...images.map(({ name, files, bands, reason }) => commented(`${name}: { files: [${files.map(yamlText).join(', ')}], bands: [${bands.join(', ')}] }`, reason, '    ')));
  if (masks.length > 0) lines.push(commented(`mask:   { files: [${masks.map(({ path }) => yamlText(path)).join(', ')}] }`, masks.map(({ path, reason }) => `${path}: ${reason}; named as a mask`).join('\n  # ')));
  if (stands) lines.push(commented(`stands: { file: ${yamlText(stands.path)}, id: ${yamlText(stands.ids[0]!)} }`, `${stands.reason}; ${stands.ids.length > 1 ? `${stands.ids.slice(0, 8).join(', ')} are unique, the first is taken as id` : `${stands.ids[0]} is there and unique in each`}`));
  if (plots) lines.push(commented(`plots:  { file: ${yamlText(plots.path)}${plotTrees ? `, trees: ${yamlText(plotTrees.path)}` : ''} }`, [plots, ...(plotTrees ? [plotTrees] : [])].map(({ path, reason }) => `${path}: ${reason}`).join('\n  # ')));
  return lines;
}

function speciesLines({ stands }: Choice): string[] {
  const field = stands?.fields.find((each) => /species|baumart|essence|especie|art$/i.test(each));
  return field === undefined ? [] : [
    `# allometry:            # ${field} of the stands may tell conifers from broadleaves; all trees are angiosperms otherwise`,
    `#   group: { from: ${yamlText(`stands.${field}`)}, map: { NAME: gymnosperm }, default: angiosperm }`,
  ];
}

const exportLines = ({ stands }: Choice): string[] => ['exports:                # written to out/exports after every merge', '  - { layer: trees, file: trees.geojson }', ...(stands ? ['  - { layer: stands, file: stands.geojson }'] : [])];

/** Lines that a comment of the job file holds for what is not used: a folder of a thousand photos needs no thousand lines. */
const MAX_UNUSED = 40;

function others({ alternatives, unused, plots, plotTrees }: Choice, notes: readonly string[]): string[] {
  const lone = plotTrees && !plots ? [{ path: plotTrees.path, reason: `${plotTrees.reason}; trees of plots, but no table of the plots themselves (plot_id, x, y, radius_m) was found` }] : [];
  const left = [...lone, ...unused], lines = [
    ...alternatives.map(({ line, reason }) => `#   ${line}      # ${reason}`), ...left.slice(0, MAX_UNUSED).map(({ path, reason }) => `#   ${path}: ${reason}`),
    ...(left.length > MAX_UNUSED ? [`#   and ${left.length - MAX_UNUSED} more`] : []), ...notes.map((note) => `#   ${note}`),
  ];
  return lines.length === 0 ? [] : ['#', '# Seen, and not used:', ...lines];
}
