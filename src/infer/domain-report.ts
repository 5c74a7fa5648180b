// infer/domain-report.ts: whether what a network was given, and gave, is like its training, and like the last run. Pure.
import type { AnyCard } from './card.ts';
import { isTableCard } from './card.ts';
import { FigureSum, SCORE, addTo, momentsOfFigures } from './domain.ts';
import type { Figures, UnitFigures } from './domain.ts';

/**
 * A survey whose mean is farther from the training mean, in standard deviations of the training, is another kind of picture. In a training set of
 * aerial pictures (0.6 m, five cities in three years each) no city and year lies farther than 0.44 from the mean of all (docs/figures/models-domain.md).
 */
export const MOST_SHIFT_SD = 0.5;
/** So much more or less contrast than the training, as a ratio of standard deviations: in the same set 0.76 to 1.24 times. */
export const MOST_SD_RATIO = 1.5;
/** No distribution with the training's mean and deviation has more than 1/16 of its values beyond 4 deviations (Chebyshev). */
export const MOST_OUTSIDE = 1 / 16;
/**
 * A table has rows of one survey beside those of a training in many places: less spread, and a mean elsewhere among them, are no fault. A mean beyond so many deviations
 * is where fewer than a quarter of the training's rows lie (Chebyshev).
 */
export const MOST_ROW_SHIFT_SD = 2;
/** What a forest of the same place does not do in a year: half as many trees again, or a third fewer; so for means of maps and counts. */
export const MOST_CHANGE = 1.5;

/** Of a band; of a table's column, rows in the place of pixels. */
export interface BandDomain {
  pixels: number;
  mean: number;
  sd: number;
  min: number;
  max: number;
  /** of the card; null where it has none */
  card_mean: number | null;
  card_sd: number | null;
  /** |mean - card mean| / card sd */
  shift_sd: number | null;
  sd_ratio: number | null;
  /** share of pixels beyond card mean +- 4 sd */
  outside_share: number | null;
}

export interface OutputDomain {
  count: number;
  mean: number;
  sd: number;
  min: number;
  max: number;
}

/** What table `model` and run.json say of one model in one run. Bands are after the match and after the card's scale. */
export interface Domain {
  /** valid input pixels, each once (of crops: in each that holds it), and their area; 0 and null of a table */
  valid_px: number;
  valid_ha: number | null;
  bands: Record<string, BandDomain>;
  outputs: Record<string, OutputDomain>;
  /** of detectors, before those of neighbouring patches are joined; null for others */
  detections_per_ha: number | null;
  /** what the figures were compared with before: the last run's of the same network */
  last_run: LastRun | null;
  notes: string[];
}

interface LastRun {
  run_id: string;
  bands: Record<string, { shift_sd: number | null; sd_ratio: number | null }>;
  /** now / then, of the mean */
  outputs: Record<string, number | null>;
  detections: number | null;
}

/** Nine digits: more than 32-bit values hold. */
const digits = (value: number): number => Number(value.toPrecision(9));
const ratio = (value: number, to: number): number | null => (to === 0 || !Number.isFinite(value / to) ? null : digits(value / to));

/** Adds the figures of parts to those of a survey: exactly, so in any order. */
export class DomainSum {
  private readonly bands = new Map<string, FigureSum>();
  private readonly outputs = new Map<string, FigureSum>();

  add({ bands, outputs }: Pick<UnitFigures, 'bands' | 'outputs'>): void {
    for (const [name, figures] of Object.entries(bands)) addTo(this.bands, name, figures);
    for (const [name, figures] of Object.entries(outputs)) addTo(this.outputs, name, figures);
  }

  /** @param pixelM2  area of an input pixel; of a table not used */
  domain(card: AnyCard, pixelM2 = 0): Domain {
    const bands = figuresBy(this.bands), outputs = figuresBy(this.outputs), most = Math.max(0, ...Object.values(bands).map(({ count }) => count)), isTable = isTableCard(card);
    const validPx = isTable ? 0 : most, validHa = isTable || card.task === 'classify' ? null : digits((validPx * pixelM2) / 10_000);
    const detections = isDetector(card) ? outputs[SCORE]?.count ?? 0 : null;
    return {
      valid_px: validPx, valid_ha: validHa,
      bands: Object.fromEntries(Object.entries(bands).map(([band, figures]) => [band, bandDomain(figures, card.input.statistics[band])])),
      outputs: Object.fromEntries(Object.entries(outputs).map(([name, figures]) => [name, outputDomain(figures)])),
      detections_per_ha: detections === null || !validHa ? null : digits(detections / validHa), last_run: null,
      notes: [...(most === 0 ? [isTable ? 'no row' : 'no valid pixel'] : []), ...missingStatistics(card, Object.keys(bands))],
    };
  }
}

const isDetector = (card: AnyCard): boolean => card.task === 'detect' || (card.task === 'segment' && card.post.objects === 'instances');

const figuresBy = (sums: ReadonlyMap<string, FigureSum>): Record<string, Figures> =>
  Object.fromEntries([...sums].map(([name, sum]) => [name, sum.figures()] as const).filter(([, { count }]) => count > 0).sort(([a], [b]) => (a < b ? -1 : 1)));

function missingStatistics({ input: { statistics } }: AnyCard, bands: readonly string[]): string[] {
  const missing = bands.filter((band) => !(band in statistics));
  if (missing.length === 0) return [];
  return [missing.length === bands.length ? 'no statistics on the card' : `no statistics on the card for ${missing.join(', ')}`];
}

const outputDomain = (figures: Figures): OutputDomain => {
  const { mean, sd } = momentsOfFigures(figures);
  return { count: figures.count, mean: digits(mean), sd: digits(sd), min: digits(figures.min), max: digits(figures.max) };
};

function bandDomain(figures: Figures, card: { mean: number; sd: number } | undefined): BandDomain {
  const { count, ...rest } = outputDomain(figures);
  const to = card ? { card_mean: card.mean, card_sd: card.sd, shift_sd: ratio(Math.abs(rest.mean - card.mean), card.sd), sd_ratio: ratio(rest.sd, card.sd), outside_share: digits(figures.outside / count) } : { card_mean: null, card_sd: null, shift_sd: null, sd_ratio: null, outside_share: null };
  return { pixels: count, ...rest, ...to };
}

/** A model's domain as an earlier run left it. */
export interface EarlierDomain {
  runId: string;
  domain: Domain;
}

/** The domain beside that of the last run. @param earlier  of the same network; null where there was none */
export function withLastRun(domain: Domain, earlier: EarlierDomain | null): Domain {
  if (earlier === null) return domain;
  const { domain: { bands, outputs, detections_per_ha }, runId } = earlier;
  return {
    ...domain,
    last_run: {
      run_id: runId,
      bands: Object.fromEntries(Object.entries(domain.bands).flatMap(([band, now]) => (bands[band] ? [[band, { shift_sd: ratio(Math.abs(now.mean - bands[band].mean), bands[band].sd), sd_ratio: ratio(now.sd, bands[band].sd) }]] : []))),
      outputs: Object.fromEntries(Object.entries(domain.outputs).flatMap(([name, now]) => (outputs[name] ? [[name, ratio(now.mean, outputs[name].mean)]] : []))),
      detections: domain.detections_per_ha === null || detections_per_ha === null ? null : ratio(domain.detections_per_ha, detections_per_ha),
    },
  };
}

const isFar = (value: number | null, most: number): boolean => value !== null && (value > most || value < 1 / most);

/** How unlike the training values may be, and what they are called. */
interface Likeness {
  mostShiftSd: number;
  leastSdRatio: number;
  values: string;
  training: string;
}
const OF_IMAGES: Likeness = { mostShiftSd: MOST_SHIFT_SD, leastSdRatio: 1 / MOST_SD_RATIO, values: 'pixels', training: 'training images' };
const OF_TABLES: Likeness = { mostShiftSd: MOST_ROW_SHIFT_SD, leastSdRatio: 0, values: 'rows', training: 'training rows' };

/** A sentence for each figure that is not like the training, or not like the last run. */
export function domainWarnings(domain: Domain, card: Pick<AnyCard, 'task'>): string[] {
  const likeness = card.task === 'regress-table' ? OF_TABLES : OF_IMAGES;
  return [...Object.entries(domain.bands).flatMap(([band, figures]) => bandWarnings(band, figures, likeness)), ...lastRunWarnings(domain)];
}

function bandWarnings(band: string, { mean, sd, card_mean, card_sd, shift_sd, sd_ratio, outside_share }: BandDomain, { mostShiftSd, leastSdRatio, values, training }: Likeness): string[] {
  return [
    ...(shift_sd !== null && shift_sd > mostShiftSd ? [`${band}: mean ${short(mean)} is ${short(shift_sd)} standard deviations from the ${short(card_mean!)} of the ${training}`] : []),
    ...(sd_ratio !== null && (sd_ratio > MOST_SD_RATIO || sd_ratio < leastSdRatio) ? [`${band}: standard deviation ${short(sd)} is ${short(sd_ratio!)} times the ${short(card_sd!)} of the ${training}`] : []),
    ...(outside_share !== null && outside_share > MOST_OUTSIDE ? [`${band}: ${short(100 * outside_share)} % of the ${values} lie outside the range of the ${training}`] : []),
  ];
}

function lastRunWarnings({ last_run, outputs }: Domain): string[] {
  if (last_run === null) return [];
  const then = `in the last run (${last_run.run_id})`;
  return [
    ...Object.entries(last_run.bands).flatMap(([band, { shift_sd, sd_ratio }]) => [
      ...(shift_sd !== null && shift_sd > MOST_SHIFT_SD ? [`${band}: its mean lies ${short(shift_sd)} standard deviations from that ${then}`] : []),
      ...(isFar(sd_ratio, MOST_SD_RATIO) ? [`${band}: its standard deviation is ${short(sd_ratio!)} times that ${then}`] : []),
    ]),
    ...Object.entries(last_run.outputs).flatMap(([name, change]) => (isFar(change, MOST_CHANGE) ? [`${name}: its mean ${short(outputs[name]!.mean)} is ${short(change!)} times that ${then}`] : [])),
    ...(isFar(last_run.detections, MOST_CHANGE) ? [`detections: ${short(last_run.detections!)} times as many to the hectare as ${then}`] : []),
  ];
}

/** Three digits for people. */
const short = (value: number): string => String(Number(value.toPrecision(3)));
