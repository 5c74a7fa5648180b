// infer/deepness.ts: a card for an ONNX file that was made for the QGIS plug-in Deepness, from the metadata that it reads. Pure.
import { ModelError } from '../errors.ts';
import { sha256 } from '../files/hash.ts';
import { readOnnxFacts } from './onnx-file.ts';
import type { OnnxFacts, OnnxValue } from './onnx-file.ts';

/**
 * What the plug-in reads of `metadata_props`, each as JSON text (https://qgis-plugin-deepness.readthedocs.io, "Adding metadata to
 * ONNX model"; of tile_size, tiles_size and of names, class_names both are in use). Keys that it only shows are left out.
 */
const KEYS = [
  'model_type', 'class_names', 'names', 'resolution', 'tile_size', 'tiles_size', 'tiles_overlap', 'standardization_mean', 'standardization_std',
  'seg_thresh', 'seg_small_segment', 'reg_output_scaling', 'det_conf', 'det_iou_thresh', 'det_type', 'det_remove_overlap',
] as const;

/** Values where the metadata says nothing: the plug-in's own where it has some, else ours, which a card.json may set. */
const DEFAULTS = { tilePx: 512, overlapPercent: 15, conf: 0.5, iou: 0.5, threshold: 0.5, smallPx: 9, windowM: 3, maxRadiusM: 8, maxBoxM: 20, matchRadiusM: 3 };
/** The plug-in runs at whatever pixel size its user chooses: here within a quarter of what the file says. */
const GSD_SLACK = 1.25;
/** Patches, and the margin, are multiples of this where the patch is: deeper networks than five halvings are rare. */
const TOTAL_STRIDE_PX = 32;

/** True for an ONNX file that says how the plug-in runs it. */
export const hasDeepness = ({ metadata }: OnnxFacts): boolean => ['model_type', 'resolution'].some((key) => key in metadata);

type Key = (typeof KEYS)[number];

/** The metadata, read key by key. */
interface Metadata {
  /** as JSON, or as Python prints it (`{0: 'tree'}`), which older exporters write; undefined where the key is missing */
  value(key: Key): unknown;
  number(key: Key, otherwise: number): number;
  numbers(key: Key): number[];
  /** class names in the order of their numbers; none where the file names none */
  classes(): string[];
}

function metadataOf(texts: Record<string, string>, source: string): Metadata {
  const value = (key: Key): unknown => {
    const text = texts[key];
    if (text === undefined) return undefined;
    return parsed(text) ?? parsed(pythonAsJson(text)) ?? text;
  };
  const number = (key: Key, otherwise: number): number => {
    const found = value(key) ?? otherwise;
    if (typeof found === 'number' || (typeof found === 'string' && Number.isFinite(Number(found)))) return Number(found);
    throw new ModelError(`${source}: metadata ${key} is ${JSON.stringify(found)}, no number; correct it in the file, or write card.json beside it`, { source, key });
  };
  const numbers = (key: Key): number[] => {
    const found = value(key);
    return Array.isArray(found) ? found.map(Number) : [];
  };
  const classes = (): string[] => {
    const found = value('class_names') ?? value('names'), names: unknown = Array.isArray(found) ? found[0] : found; // a list: one entry an output
    if (typeof names !== 'object' || names === null) return [];
    return Object.entries(names).sort(([a], [b]) => Number(a) - Number(b)).map(([, name]) => String(name));
  };
  return { value, number, numbers, classes };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // no JSON
  }
}

const pythonAsJson = (text: string): string => text.replace(/'/g, '"').replace(/([{,]\s*)(\d+)\s*:/g, '$1"$2":').replace(/\bTrue\b/g, 'true').replace(/\bFalse\b/g, 'false');

const BANDS: Record<number, string[]> = { 1: ['pan'], 3: ['red', 'green', 'blue'], 4: ['red', 'green', 'blue', 'nir'] };

/**
 * Make a card of an ONNX file with Deepness metadata: segmentor to segment, detector to detect, regressor to regress-raster.
 *
 * The plug-in gives the network pixels / 255, then (x - mean) / std; of 3 channels they are red, green, blue, a fourth is nir.
 * Overlap is a share of the tile's side: half of it is the margin. The licence is `unknown`: a job with allow_licences refuses it
 * until somebody says otherwise in a card.json.
 *
 * @param name    the card's name, from the file's
 * @param source  what messages call the file
 * @returns a record as `card.json` has it
 * @throws {ModelError} when the metadata is missing, or does not say what the network's classes, channels or layout mean
 */
export function deepnessCard(bytes: Uint8Array, name: string, source: string): Record<string, unknown> {
  const facts = readOnnxFacts(bytes, source), metadata = metadataOf(facts.metadata, source);
  if (!hasDeepness(facts)) throw new ModelError(`${source}: has no card.json and no metadata (model_type, resolution ...) that says how to run it; put it as model.onnx into a folder with a card.json`, { source });
  const [input] = facts.inputs, type = String(metadata.value('model_type') ?? '').toLowerCase();
  const kind = KINDS[type];
  if (!kind) throw new ModelError(`${source}: metadata model_type is ${type || 'missing'}; ${Object.keys(KINDS).join(', ')} can be run without a card.json`, { source });
  const dims = input?.dims ?? [], bands = BANDS[Number(dims[1])];
  if (!input || facts.inputs.length !== 1 || dims.length !== 4 || !bands) throw new ModelError(`${source}: takes ${facts.inputs.map(saidValue).join(', ')}; without a card.json it must be one image of 1, 3 or 4 channels: write card.json beside it, with its bands`, { source });
  const gsdM = metadata.number('resolution', NaN) / 100, patch = patchOf(metadata, dims);
  if (!(gsdM > 0)) throw new ModelError(`${source}: metadata resolution is missing; it says the pixel size in centimetres: add it, or write card.json beside it`, { source });
  return {
    name: cardName(name), version: '0', task: kind.task, licence: 'unknown', sha256: sha256(bytes),
    input: {
      name: input.name, layout: 'NCHW', bands, fill: 0, scale: 1 / 255, mean: metadata.numbers('standardization_mean'), std: metadata.numbers('standardization_std'),
      gsd_m: gsdM, gsd_range_m: [gsdM / GSD_SLACK, gsdM * GSD_SLACK], ...patch,
    },
    ...kind.made({ facts, metadata, gsdM, source, patchPx: patch.patch_px }),
    training: [{ data: 'not said in the file', licence: 'unknown', region: 'not said' }],
  };
}

const saidValue = ({ name, dims }: OnnxValue): string => `${name} (${dims?.map((dim) => dim || '?').join(' x ') ?? 'no shape'})`;
const cardName = (name: string): string => name.toLowerCase().replace(/\.onnx$/, '').replace(/[^a-z0-9.-]+/g, '-').replace(/^[.-]+/, '') || 'model';

function patchOf(metadata: Metadata, dims: (number | string)[]): { patch_px: number; margin_px: number; stride_px: number } {
  const fixed = Number(dims[2]) > 0 ? Number(dims[2]) : null, patchPx = fixed ?? metadata.number('tile_size', metadata.number('tiles_size', DEFAULTS.tilePx));
  let stridePx = TOTAL_STRIDE_PX;
  while (patchPx % stridePx !== 0) stridePx /= 2;
  const wanted = (patchPx * metadata.number('tiles_overlap', DEFAULTS.overlapPercent)) / 200, most = Math.floor((patchPx - stridePx) / 2 / stridePx);
  return { patch_px: patchPx, margin_px: Math.max(0, Math.min(Math.ceil(wanted / stridePx), most)) * stridePx, stride_px: stridePx };
}

interface Made {
  facts: OnnxFacts;
  metadata: Metadata;
  gsdM: number;
  source: string;
  patchPx: number;
}
type Kind = { task: string; made(of: Made): { outputs: object[]; post: object } };
const KINDS: Record<string, Kind> = {
  segmentor: { task: 'segment', made: segmentOf }, detector: { task: 'detect', made: detectOf }, regressor: { task: 'regress-raster', made: regressOf },
};

function onlyOutput({ facts, source }: Made): OnnxValue {
  if (facts.outputs.length === 1) return facts.outputs[0]!;
  throw new ModelError(`${source}: gives ${facts.outputs.map(saidValue).join(', ')}; without a card.json it must be one output: write card.json beside it`, { source });
}

/** Input pixels along the side of an output pixel; 1 where the file does not say the sizes. */
const strideOf = ({ dims }: OnnxValue, patchPx: number): number => (Number(dims?.[3]) > 0 ? patchPx / Number(dims![3]) : 1);

const TREE_LIKE = /tree|crown|canopy|dead|snag|wood|forest|conifer|palm/i;

/** The one class that is trees: the only one, the only one beside a background, or the only one whose name says so. */
function treeChannel(classes: string[], channels: number, source: string): { channel: number; name: string } {
  if (channels === 1) return { channel: 0, name: classes.at(-1) ?? 'object' }; // the plug-in adds a background to a single channel
  const named = classes.flatMap((name, channel) => (TREE_LIKE.test(name) ? [channel] : [])), [channel] = named.length === 1 ? named : channels === 2 ? [1] : [];
  if (channel === undefined) throw new ModelError(`${source}: has the classes ${classes.join(', ') || `0 to ${channels - 1}`}, and which one is trees is not said; write card.json beside it, with channels and channel of the output`, { source });
  return { channel, name: classes[channel] ?? 'object' };
}

const variableOf = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^[^a-z]+|_+$/g, '') || 'object';

function segmentOf(of: Made): { outputs: object[]; post: object } {
  const { metadata, gsdM, source, patchPx } = of, output = onlyOutput(of), channels = Number(output.dims?.[1]) || 1;
  const { channel, name } = treeChannel(metadata.classes(), channels, source);
  return {
    outputs: [{ name: output.name, variable: variableOf(name), unit: '1', stride_px: strideOf(output, patchPx), range: [0, 1], channels, channel }],
    post: { threshold: metadata.number('seg_thresh', DEFAULTS.threshold), window_m: DEFAULTS.windowM, max_radius_m: DEFAULTS.maxRadiusM, min_area_m2: (metadata.number('seg_small_segment', DEFAULTS.smallPx) * gsdM) ** 2 },
  };
}

/** Layouts of the plug-in's detectors. */
const DETECTORS: Record<string, object> = {
  yolo_v5_or_v7_default: { axis: 'boxes-first', objectness: 'only' }, yolo_v6: { axis: 'boxes-first', objectness: 'ignore' },
  yolo_v9: { axis: 'values-first', objectness: 'none' }, yolo_ultralytics: { axis: 'values-first', objectness: 'none' },
};

function detectOf(of: Made): { outputs: object[]; post: object } {
  const { metadata, source } = of, output = onlyOutput(of), type = String(metadata.value('det_type') ?? 'yolo_v5_or_v7_default'), layout = DETECTORS[type.toLowerCase()], classes = metadata.classes();
  if (!layout) throw new ModelError(`${source}: metadata det_type ${type} cannot be run; ${Object.keys(DETECTORS).join(', ')} can`, { source });
  const trees = classes.flatMap((name, i) => (TREE_LIKE.test(name) ? [i] : []));
  return {
    outputs: [{ name: output.name, variable: 'objects' }],
    post: {
      format: 'yolo', ...layout, score_threshold: metadata.number('det_conf', DEFAULTS.conf), max_overlap: metadata.number('det_iou_thresh', DEFAULTS.iou),
      max_box_m: DEFAULTS.maxBoxM, match_radius_m: DEFAULTS.matchRadiusM, ...(classes.length > 0 ? { classes } : {}), ...(trees.length > 0 ? { tree_classes: trees } : {}),
    },
  };
}

function regressOf(of: Made): { outputs: object[]; post: object } {
  const { metadata, source, patchPx } = of, output = onlyOutput(of), channels = Number(output.dims?.[1]) || 1, [name = 'value'] = metadata.classes(), scaling = metadata.number('reg_output_scaling', 1);
  if (channels !== 1) throw new ModelError(`${source}: gives ${channels} maps; write card.json beside it, with channels and channel of the one that counts`, { source });
  return { outputs: [{ name: output.name, variable: variableOf(name), unit: '1', stride_px: strideOf(output, patchPx), range: [-1e6, 1e6], factor: scaling }], post: {} };
}
