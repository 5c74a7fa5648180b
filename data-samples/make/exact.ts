// make/exact.ts: log, exp, power and arctangent from + - * / alone, so that their bits are the same in every engine. Pure.
// Math.log, Math.pow and the like may differ in the last bit from one build of Node to the next; samples must not.

const LN2 = 0.6931471805599453;

/** Natural logarithm of a positive number, by the series of artanh on [0.7, 1.4). */
export function log(x: number): number {
  let m = x, e = 0;
  for (; m >= 1.4; m /= 2) e++;
  for (; m < 0.7; m *= 2) e--;
  const t = (m - 1) / (m + 1), t2 = t * t;
  let sum = 0;
  for (let k = 25; k >= 1; k -= 2) sum = sum * t2 + 1 / k;
  return e * LN2 + 2 * t * sum;
}

/** Exponential, by Taylor's series on [-0.35, 0.35] and doublings. */
export function exp(x: number): number {
  const k = Math.round(x / LN2), r = x - k * LN2;
  let sum = 1;
  for (let n = 16; n >= 1; n--) sum = 1 + (r / n) * sum;
  for (let i = 0; i < k; i++) sum *= 2;
  for (let i = 0; i > k; i--) sum /= 2;
  return sum;
}

/** A positive number to any power. */
export const power = (base: number, exponent: number): number => exp(exponent * log(base));

/** Arctangent in degrees, for |x| well below 1 (beams near the vertical). */
export function arctangentDeg(x: number): number {
  let sum = 0;
  for (let k = 41; k >= 1; k -= 2) sum = 1 / k - x * x * sum;
  return (x * sum * 180) / 3.141592653589793;
}

/** Distance without Math.hypot, whose last bit is the engine's. */
export const length = (dx: number, dy: number): number => Math.sqrt(dx * dx + dy * dy);
