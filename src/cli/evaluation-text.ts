// cli/evaluation-text.ts: scores as people read them: a line a stratum or figure, its 95 % limits on the line below. Pure.
import { roundTo } from '../geo/units.ts';
import { PLOT_FIGURES } from '../evaluate/plot-figures.ts';
import type { EvaluationRow } from '../pipeline/evaluation.ts';
import type { PictureRow } from '../pipeline/pictures.ts';
import type { RowFormat } from '../store/formats.ts';

const OF_TREES = ['precision', 'recall', 'f1', 'height_bias_m', 'height_rmse_m', 'position_rmse_m', 'dbh_bias_cm', 'dbh_rmse_cm'];
const OF_PLOTS = ['measured_mean', 'r2', 'r2_corr', 'rmse', 'rmse_percent', 'bias', 'bias_percent'];

/** A line of the table: where each score of it is found among the rows. */
interface Line {
  title: string;
  metrics: string[];
  rows: readonly EvaluationRow[];
  /** the metric whose n is told */
  counts: string;
}

/** Both tables of an evaluation, as far as there are scores; single plots and detection rates stand in csv and json only. */
export function evaluationText(rows: readonly EvaluationRow[], makeFormat: () => RowFormat): string {
  const trees = rows.filter((row) => row.of === 'trees'), plots = rows.filter((row) => row.of === 'plots' && row.stratum === 'all'), tables: string[] = [];
  const strata = [...Map.groupBy(trees, ({ stratum }) => stratum)].map(([title, of]): Line => ({ title, metrics: OF_TREES, rows: of, counts: 'recall' }));
  const figures = PLOT_FIGURES.map(([, name]): Line => ({ title: name, metrics: OF_PLOTS.map((suffix) => `${name}_${suffix}`), rows: plots, counts: `${name}_rmse` })).filter((line) => numberOf(line) !== null);
  if (strata.length > 0) tables.push(textOf(['trees', 'n', ...OF_TREES], strata, makeFormat()));
  if (figures.length > 0) tables.push(textOf(['plots', 'n', ...OF_PLOTS], figures, makeFormat()));
  return tables.join('\n');
}

/** Scores of a model on pictures or in a survey: a line each; single pictures stand in csv and json only. */
export function modelScoresText(rows: readonly PictureRow[], makeFormat: () => RowFormat): string {
  const format = makeFormat();
  let text = format.head(['stratum', 'metric', 'value', '95 %', 'n']);
  for (const { stratum, metric, value, lo, hi, n } of rows) if (!stratum.startsWith('picture:') && value !== null) text += format.row([stratum, metric, digits(value), lo === null || hi === null ? null : `${digits(lo)}..${digits(hi)}`, n]);
  return text + format.tail();
}

const numberOf = ({ rows, counts }: Line): number | null => rows.find(({ metric }) => metric === counts)?.n ?? null;

function textOf(head: readonly string[], lines: readonly Line[], format: RowFormat): string {
  let text = format.head(head);
  for (const line of lines) {
    const scores = line.metrics.map((metric) => line.rows.find((row) => row.metric === metric));
    text += format.row([line.title, numberOf(line), ...scores.map((score) => (score === undefined || score.value === null ? null : digits(score.value)))]);
    if (scores.some((score) => score !== undefined && score.lo !== null)) text += format.row(['', null, ...scores.map((score) => (score === undefined || score.lo === null || score.hi === null ? null : `${digits(score.lo)}..${digits(score.hi)}`))]);
  }
  return text + format.tail();
}

/** Three digits after the point below 10, fewer for larger values: never more than a score can bear. */
const digits = (value: number): number => roundTo(value, Math.abs(value) < 10 ? 3 : Math.abs(value) < 100 ? 2 : 1);
