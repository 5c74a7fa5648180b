// The pages of the shipped image models say what their cards say.
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';

interface Score { split: string; metric: string; value: number; interval?: [number, number] }

const fileOf = (name: string, file: string): Promise<string> => readFile(new URL(`../../models/${name}/${file}`, import.meta.url), 'utf8');
/** Endings of scores that have rows of their own. */
const VIEWS: Record<string, string> = { _rgb_only: ', red, green, blue alone', _matched: ', matched to the card by mean and deviation' };
/** Splits of lines that are no scores but checks, told below the table. */
const CHECKS = ['ONNX Runtime against PyTorch', 'Patches moved by half a step against those of the origin'];

/** A score as the page has it: errors of counts with one decimal, shares with three. */
function written({ metric, value, interval }: Score): string {
  const digits = /^(mae|bias)/.test(metric) ? 1 : 3, number = (each: number): string => each.toFixed(digits);
  return interval ? `${number(value)} [${interval.map(number).join(', ')}]` : number(value);
}

describe.each(['tree-count-urban', 'dead-tree-naip', 'tree-crown-rgb', 'crown-alive-dead'])('%s', (name) => {
  test('every score of its card stands in the table of its page, and no other (training/scorecard.py tables)', async () => {
    const { scores, version } = JSON.parse(await fileOf(name, 'card.json')) as { scores: Score[]; version: string }, page = await fileOf(name, 'README.md');
    const block = page.slice(page.indexOf('<!-- scores: begin'), page.indexOf('<!-- scores: end')), rows = block.split('\n').filter((line) => line.startsWith('|')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
    const [head = [], , ...body] = rows, cells = new Map(body.flatMap(([split = '', ...values]) => values.map((value, c): [string, string] => [`${split} ${head[c + 1]}`, value])));
    expect(block).toContain(`Version ${version},`);
    const checks = scores.filter(({ split }) => CHECKS.includes(split)), ofAccuracy = scores.filter(({ split }) => !CHECKS.includes(split));
    for (const score of ofAccuracy) {
      const ending = Object.keys(VIEWS).find((each) => score.metric.endsWith(each)) ?? '', row = score.split + (VIEWS[ending] ?? '');
      expect(cells.get(`${row} ${score.metric.slice(0, score.metric.length - ending.length)}`), `${row}: ${score.metric}`).toBe(written(score));
    }
    expect([...cells.values()].filter((value) => value !== '')).toHaveLength(ofAccuracy.length);
    for (const { metric, value } of checks) expect(block).toContain(`${metric.replaceAll('_', ' ')} ${value.toExponential(1)}`);
  });
});
