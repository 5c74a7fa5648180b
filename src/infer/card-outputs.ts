// infer/card-outputs.ts: `outputs` of a card: what each output of a network measures, by task. Schemas, and the records that code sees. Pure.
import { z } from 'zod';

const count = z.int().positive();
export const ACTIVATIONS = ['none', 'sigmoid', 'softmax', 'softplus', 'exp'] as const;

const named = {
  name: z.string().min(1).describe('name of the output in the ONNX graph'),
  activation: z.enum(ACTIVATIONS).default('none').describe('applied to the raw output; softmax: over its channels'),
  factor: z.number().default(1).describe('on the value after the activation: of another unit, say'),
  channels: count.default(1).describe('channels of the output'),
  channel: z.int().nonnegative().default(0).describe('the channel that holds it, counted from 0'),
};
const variable = z.string().regex(/^[a-z][a-z0-9_]*$/, 'lower-case letters, digits and _: it names columns and files').describe('what it measures: stems, height_m ...');
const unit = z.string().min(1).describe('unit of the values after the activation; 1 for a share or probability');
const range = z.tuple([z.number(), z.number()]).describe('lowest and highest value that may be used, after activation and factor');
const strideOf = count.describe('input pixels along the side of an output pixel');

const Value = z.strictObject({ is: z.literal('value').default('value').describe('a measure of its own'), ...named, variable, unit, range });
const Sd = z.strictObject({
  is: z.literal('sd').describe('the standard deviation of another output'),
  ...named, of: z.string().min(1).describe('`variable` of that output'), range: range.optional().describe('default: 0 to the width of the range of `of`'),
});

/** Maps of density, segment and regress-raster. */
export const MapOutput = z.discriminatedUnion('is', [Value.extend({ stride_px: strideOf }), Sd]);
/** Columns of regress-table. */
export const TableOutput = z.discriminatedUnion('is', [Value, Sd]);
/** The probabilities of classify. */
export const ClassOutput = Value.extend({ unit: unit.default('1'), range: range.default([0, 1]) });

/** What an output of a detector may be: its unit and the values that it may have unless the card says other ones. */
const ROLES = {
  boxes: ['px', [-1e6, 1e6]], scores: ['1', [0, 1]], labels: ['1', [0, 1e6]], objects: ['px', [-1e6, 1e6]], classes: ['1', [0, 1]], deltas: ['1', [-1e6, 1e6]],
  heat: ['1', [0, 1]], size: ['px', [0, 1e6]], offset: ['1', [-1e3, 1e3]], masks: ['1', [0, 1]],
} as const satisfies Record<string, readonly [string, readonly [number, number]]>;
export type DetectRole = keyof typeof ROLES;
const ROLE_NAMES = Object.keys(ROLES) as [DetectRole, ...DetectRole[]];

/** Outputs of detect, by their role in the layout that `post.format` names. */
export const RoleOutput = z.strictObject({
  is: z.literal('value').default('value'), ...named,
  variable: z.enum(ROLE_NAMES).describe('its role in the layout of post.format'),
  unit: unit.optional(), range: range.optional(), stride_px: strideOf.default(1).describe('of maps: input pixels along the side of an output pixel'),
});

/** An output as code sees it. A standard deviation has unit and stride of what it belongs to, and the variable `<of>_sd`. */
export interface CardOutput {
  name: string;
  variable: string;
  unit: string;
  /** input pixels along the side of an output pixel; 1 where the output is no map */
  stridePx: number;
  activation: (typeof ACTIVATIONS)[number];
  /** on the value after the activation */
  factor: number;
  /** lowest and highest value that may be used, after activation and factor */
  range: [number, number];
  channels: number;
  channel: number;
  /** variable whose standard deviation it is; null: a measure of its own */
  sdOf: string | null;
}

type Written = z.output<typeof MapOutput> | z.output<typeof TableOutput> | z.output<typeof ClassOutput> | z.output<typeof RoleOutput>;

const isRole = (name: string): name is DetectRole => Object.hasOwn(ROLES, name);

function measureOf(output: Exclude<Written, { is: 'sd' }>): CardOutput {
  const { name, variable, activation, factor, channels, channel } = output, [ownUnit, ownRange] = isRole(variable) ? ROLES[variable] : ['1', [0, 1] as const];
  const [low, high] = output.range ?? ownRange;
  return { name, variable, unit: output.unit ?? ownUnit, stridePx: 'stride_px' in output ? output.stride_px : 1, activation, factor, range: [low, high], channels, channel, sdOf: null };
}

function sdOf({ name, of, range, activation, factor, channels, channel }: Extract<Written, { is: 'sd' }>, measures: CardOutput[]): CardOutput {
  const { unit, stridePx, range: [low, high] } = measures.find(({ variable }) => variable === of) ?? { unit: '1', stridePx: 1, range: [0, 1] as [number, number] };
  return { name, variable: `${of}_sd`, unit, stridePx, activation, factor, range: range ?? [0, high - low], channels, channel, sdOf: of };
}

/** Outputs of `card.json` as code sees them, in their order. */
export function cardOutputs(written: readonly Written[]): CardOutput[] {
  const measures = written.flatMap((output) => (output.is === 'sd' ? [] : [measureOf(output)]));
  return written.map((output) => (output.is === 'sd' ? sdOf(output, measures) : measureOf(output)));
}
