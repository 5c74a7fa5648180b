// infer/card-rules.ts: the rules across the fields of a card, general ones and those of each task. Pure.
import { BAND_ROLES } from '../ingest/image-bands.ts';
import type { AnyCard, CardInput, CardOf, CardOutput, ModelCard } from './card.ts';
import { isTableCard } from './card.ts';

/** The rules across the fields of a card: a line each for what to change; none when it holds together. */
export const cardProblems = (card: AnyCard): string[] =>
  [...(isTableCard(card) ? [] : imageProblems(card)), ...card.outputs.flatMap(outputProblems), ...outputsProblems(card.outputs), ...taskProblems(card)];

const imageProblems = (card: ModelCard): string[] => [...bandProblems(card.input), ...gsdProblems(card.input), ...patchProblems(card.input, card.outputs)];

/** A role, of any input or of the one that is named: red, height_m, red@winter. */
const ROLE = /^[a-z][a-z0-9_]*(@[a-z][a-z0-9_-]*)?$/;

function bandProblems({ bands, optionalBands, mean, std, statistics }: CardInput): string[] {
  const problems: string[] = [];
  for (const band of bands) if (!ROLE.test(band)) problems.push(`input.bands: ${band} is no name of a band; write one of ${BAND_ROLES.join(', ')}, or what a job's inputs or models call theirs (lower-case letters, digits, _), with @input behind where two inputs have it`);
  if (new Set(bands).size < bands.length) problems.push('input.bands: a band is named twice; name each once');
  for (const band of optionalBands) if (!bands.includes(band)) problems.push(`input.optional_bands: ${band} is not in input.bands; add it there or remove it here`);
  for (const band of Object.keys(statistics)) if (!bands.includes(band)) problems.push(`input.statistics: ${band} is not in input.bands; remove it`);
  return [...problems, ...perItem('input', { mean, std }, bands.length, 'band')];
}

const perItem = (path: string, lists: Record<string, number[]>, length: number, item: string): string[] =>
  Object.entries(lists).flatMap(([key, values]) => (values.length === 0 || values.length === length ? [] : [`${path}.${key}: has ${values.length} values for ${length} ${item}s; give one a ${item}, or []`]));

function gsdProblems({ gsdM, gsdRangeM: [low, high] }: CardInput): string[] {
  return low <= gsdM && gsdM <= high ? [] : [`input.gsd_range_m: [${low}, ${high}] does not hold gsd_m ${gsdM}; order it low to high and around gsd_m`];
}

function patchProblems({ patchPx, marginPx, stridePx }: CardInput, outputs: CardOutput[]): string[] {
  const problems: string[] = [], step = patchPx - 2 * marginPx;
  if (step <= 0) problems.push(`input.margin_px: two margins of ${marginPx} leave nothing of a patch of ${patchPx}; use at most ${Math.floor((patchPx - 1) / 2)}`);
  else if (step % stridePx !== 0) problems.push(`input.margin_px: patch_px - 2 margin_px = ${step} is no multiple of stride_px ${stridePx}; patches would see shifted cells`);
  if (patchPx % stridePx !== 0) problems.push(`input.patch_px: ${patchPx} is no multiple of stride_px ${stridePx}`);
  for (const { name, stridePx: own } of outputs) {
    if (stridePx % own !== 0) problems.push(`outputs.${name}.stride_px: ${own} does not divide input.stride_px ${stridePx}`);
    if (marginPx % own !== 0) problems.push(`input.margin_px: ${marginPx} is no multiple of the stride ${own} of output ${name}; its pixels would be cut`);
  }
  return problems;
}

function outputProblems({ name, range: [low, high], channel, channels, activation, sdOf }: CardOutput): string[] {
  const problems: string[] = [];
  if (!(low < high)) problems.push(`outputs.${name}.range: [${low}, ${high}] is empty; order it low to high`);
  if (channel >= channels) problems.push(`outputs.${name}.channel: ${channel} is none of ${channels} channels, counted from 0; correct channel or channels`);
  if (activation === 'softmax' && channels < 2) problems.push(`outputs.${name}.activation: softmax of one channel is always 1; give channels, or sigmoid`);
  if (sdOf !== null && low < 0) problems.push(`outputs.${name}.range: a standard deviation is not negative; start it at 0`);
  return problems;
}

function outputsProblems(outputs: readonly CardOutput[]): string[] {
  const measured = outputs.filter(({ sdOf }) => sdOf === null).map(({ variable }) => variable), problems: string[] = [];
  for (const { name, sdOf } of outputs) if (sdOf !== null && !measured.includes(sdOf)) problems.push(`outputs.${name}.of: no output has the variable ${sdOf}; it must be one of ${measured.join(', ')}`);
  const variables = outputs.map(({ variable }) => variable), twice = new Set(variables.filter((variable, i) => variables.indexOf(variable) < i));
  for (const variable of twice) problems.push(`outputs: ${variable} is given twice; leave one`);
  return problems;
}

/** The rules of a task: which outputs it needs, and what of `post` must fit them. */
const RULES: { [Task in AnyCard['task']]: (card: CardOf<Task>) => string[] } = {
  density: densityProblems, detect: detectProblems, segment: segmentProblems, classify: classifyProblems, 'regress-raster': rasterProblems, 'regress-table': tableProblems,
};
const taskProblems = <Task extends AnyCard['task']>(card: CardOf<Task>): string[] => (RULES[card.task] as (card: CardOf<Task>) => string[])(card);

/** What the tables take: stems per hectare and per stand are sums of this. */
const STEMS = { variable: 'stems', unit: 'stems/px' };

function densityProblems({ outputs }: CardOf<'density'>): string[] {
  const [stems, ...others] = outputs as [CardOutput, ...CardOutput[]], problems: string[] = [], { name, variable, unit } = stems;
  if (variable !== STEMS.variable) problems.push(`outputs.${name}.variable: ${variable} is not what a density model counts; the first output must be ${STEMS.variable}`);
  if (unit !== STEMS.unit) problems.push(`outputs.${name}.unit: ${unit} is not summed to a count; give ${STEMS.unit} (stems in each output pixel), and scale the output in the graph if it is another`);
  if (others.length > 1) problems.push(`outputs: a density model has 1 output, and perhaps heat; the card names ${outputs.length}; remove the others`);
  else for (const heat of others) {
    if (heat.variable !== 'heat' || heat.unit !== '1') problems.push(`outputs.${heat.name}: the second output of a density model is the map of its peaks: variable heat, unit 1; remove it, or name it so`);
    if (heat.stridePx !== stems.stridePx) problems.push(`outputs.${heat.name}.stride_px: ${heat.stridePx} is not that of ${name} (${stems.stridePx}); the two maps must have the same pixels`);
  }
  return problems;
}

/** A pixel size may be off the card's by as much (DESIGN law 1), and so may a crop be off the patch. */
const SAME_SIZE = 0.01;

/** Outputs that each layout of a detector must have, and those that it may have. */
const LAYOUTS: Record<CardOf<'detect'>['post']['format'], { needs: string[]; may: string[] }> = {
  'boxes-scores': { needs: ['boxes', 'scores'], may: ['labels'] }, yolo: { needs: ['objects'], may: [] },
  retinanet: { needs: ['classes', 'deltas'], may: [] }, 'centre-size': { needs: ['heat', 'size'], may: ['offset'] },
};

function detectProblems({ input, outputs, post }: CardOf<'detect'>): string[] {
  const { needs, may } = LAYOUTS[post.format], has = outputs.map(({ variable }) => variable), problems: string[] = [];
  for (const role of needs) if (!has.includes(role)) problems.push(`outputs: post.format ${post.format} needs an output whose variable is ${role}; it has ${has.join(', ')}`);
  for (const role of has) if (![...needs, ...may].includes(role)) problems.push(`outputs: post.format ${post.format} has no output ${role}; it takes ${[...needs, ...may].join(', ')}`);
  const classes = post.classes?.length ?? 1;
  for (const index of post.tree_classes ?? []) if (index >= classes) problems.push(`post.tree_classes: ${index} is none of ${classes} classes, counted from 0; correct it, or name the classes in post.classes`);
  if (post.format === 'retinanet' && post.anchors.sizes_px.length !== post.anchors.strides_px.length) problems.push(`post.anchors: sizes_px has ${post.anchors.sizes_px.length} levels, strides_px ${post.anchors.strides_px.length}; give one a level`);
  if (post.format === 'centre-size') problems.push(...mapProblems(outputs, { size: post.size === 'wh' ? 2 : 4, offset: 2 }), ...centreProblems(input, post.peak_radius_m));
  return problems;
}

/** A centre belongs to the patch that holds its pixel, which must see all that may exceed it; images may be finer than the card says. */
function centreProblems({ marginPx, gsdM }: CardInput, peakRadiusM: number): string[] {
  const neededPx = Math.ceil((peakRadiusM * (1 + SAME_SIZE)) / gsdM - 1e-9);
  return marginPx >= neededPx ? [] : [`input.margin_px: ${marginPx} is less than the ${neededPx} px of post.peak_radius_m ${peakRadiusM}; a centre on a seam would not see its neighbours`];
}

function mapProblems(outputs: readonly CardOutput[], channelsOf: Record<string, number>): string[] {
  const stride = outputs.find(({ variable }) => variable === 'heat')?.stridePx;
  return outputs.flatMap(({ name, variable, channels, stridePx }) => [
    ...(channels === (channelsOf[variable] ?? channels) ? [] : [`outputs.${name}.channels: ${channels}, but post.size makes it ${channelsOf[variable]}`]),
    ...(stridePx === (stride ?? stridePx) ? [] : [`outputs.${name}.stride_px: ${stridePx} is not that of the heat (${stride}); the maps must have the same pixels`]),
  ]);
}

function segmentProblems({ outputs, post }: CardOf<'segment'>): string[] {
  const problems: string[] = [], maps = outputs.filter(({ variable }) => variable !== 'scores'), [low, high] = maps[0]?.range ?? [0, 1];
  if (maps.length !== 1 || maps[0]!.sdOf !== null) problems.push(`outputs: a segment model has 1 map of probability, the card names ${maps.map(({ name }) => name).join(', ') || 'none'}; leave one`);
  else if (maps[0]!.unit !== '1' || low < 0 || high > 1) problems.push(`outputs.${maps[0]!.name}: a probability has unit 1 and a range within [0, 1]; give its activation (sigmoid, softmax), or make it one in the graph`);
  if (post.objects === 'instances' && maps.length === outputs.length) problems.push('outputs: post.objects instances needs an output whose variable is scores; add it, or use climb');
  if (post.objects === 'climb' && maps.length < outputs.length) problems.push('outputs: post.objects climb takes no scores; remove that output, or use instances');
  return problems;
}

const GIVES: Record<CardOf<'classify'>['post']['gives'], readonly string[]> = { species_group: ['angiosperm', 'gymnosperm'], status: ['alive', 'dead', 'unknown'] };

function classifyProblems({ input, outputs, post }: CardOf<'classify'>): string[] {
  const problems: string[] = [], [output] = outputs, patchM = input.patchPx * input.gsdM, known = GIVES[post.gives];
  if (outputs.length !== 1) problems.push(`outputs: a classify model has 1 output, a probability each class; the card names ${outputs.length}`);
  if (output!.variable !== post.gives) problems.push(`outputs.${output!.name}.variable: ${output!.variable} is not what post.gives says (${post.gives}); make them one`);
  if (output!.channels !== post.classes.length) problems.push(`outputs.${output!.name}.channels: ${output!.channels} for ${post.classes.length} classes; give one a class`);
  for (const name of Object.keys(post.map)) if (!post.classes.includes(name)) problems.push(`post.map: ${name} is none of post.classes; remove it`);
  for (const name of post.classes) if (!known.includes(post.map[name] ?? name)) problems.push(`post.map: class ${name} is no ${post.gives}; map it to one of ${known.join(', ')}`);
  if (Math.abs(post.crop_m / patchM - 1) > SAME_SIZE) problems.push(`post.crop_m: ${post.crop_m} m is not input.patch_px x input.gsd_m = ${patchM} m; the crop is the patch`);
  if (post.columns.length > 0 && !input.table) problems.push('post.columns: the network needs a second input for them; name it in input.table, or remove them');
  if (post.columns.length === 0 && input.table) problems.push('input.table: post.columns names none; name them, or remove input.table');
  return [...problems, ...perItem('input.table', { mean: input.table?.mean ?? [], std: input.table?.std ?? [] }, post.columns.length, 'column')];
}

function rasterProblems({ outputs }: CardOf<'regress-raster'>): string[] {
  const measures = outputs.filter(({ sdOf }) => sdOf === null).length;
  if (measures === 1 && outputs.length <= 2) return [];
  return [`outputs: a regress-raster model has 1 map, and perhaps its standard deviation; the card names ${outputs.length}: make a model of each`];
}

function tableProblems({ input: { mean, std, statistics }, post: { columns } }: CardOf<'regress-table'>): string[] {
  const problems = columns.filter((column, i) => columns.indexOf(column) < i).map((column) => `post.columns: ${column} is named twice; name each once`);
  for (const column of Object.keys(statistics)) if (!columns.includes(column)) problems.push(`input.statistics: ${column} is not in post.columns; remove it`);
  return [...problems, ...perItem('input', { mean, std }, columns.length, 'column')];
}
