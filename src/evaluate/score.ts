// evaluate/score.ts: one score: a row of table `evaluation` without what it was compared with. Types only.

export interface Score {
  /** `all`, `layer:dominant`, `height:10-15`, `plot:P1` ... */
  stratum: string;
  /** with its unit */
  metric: string;
  /** null where it does not exist, as an R2 of one plot */
  value: number | null;
  /** limits of the 95 % interval; null where there is none */
  lo: number | null;
  hi: number | null;
  /** trees or plots that the value rests on */
  n: number;
}
