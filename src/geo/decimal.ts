// geo/decimal.ts: sums as decimal text of nine places, so that adding is exact and order-free. Pure.
import { InvalidInput } from '../errors.ts';

const PLACES = 9;
const ONE = 10n ** BigInt(PLACES);

/** Decimal text to an integer of 1e-9. @throws {InvalidInput} when it is no plain decimal number of at most nine places */
export function parseDecimal(text: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(text);
  if (!match) throw new InvalidInput(`'${text}' is no decimal number with at most ${PLACES} places, such as 12.5`, { text });
  const value = BigInt(match[2]!) * ONE + BigInt((match[3] ?? '').padEnd(PLACES, '0'));
  return match[1] === '-' ? -value : value;
}

/** An integer of 1e-9 to decimal text with all nine places. */
export function formatDecimal(billionths: bigint): string {
  const digits = (billionths < 0n ? -billionths : billionths).toString().padStart(PLACES + 1, '0');
  return `${billionths < 0n ? '-' : ''}${digits.slice(0, -PLACES)}.${digits.slice(-PLACES)}`;
}

/** A finite number to decimal text, rounded to 1e-9. @throws {InvalidInput} for NaN, infinities and numbers of 1e21 or more */
export function toDecimalText(value: number): string {
  if (!Number.isFinite(value) || Math.abs(value) >= 1e21) throw new InvalidInput(`${value} cannot be added up as a decimal number; mask it as missing first`, { value });
  return formatDecimal(parseDecimal(value.toFixed(PLACES)));
}

/** The exact sum of two decimal texts. */
export const addDecimal = (a: string, b: string): string => formatDecimal(parseDecimal(a) + parseDecimal(b));
