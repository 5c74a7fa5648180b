// ingest/arithmetic-decoder.ts: the range decoder of LAZ, as far as its chunk table needs it. Pure.
//
// After the LASzip paper (Isenburg 2013, doi:10.14358/PERS.79.2.209) and the adaptive arithmetic coder on which it
// builds (Said 2004, HPL-2004-76). Points are decoded by laz-perf; it does not give out its decoder.

const MIN_LENGTH = 2 ** 24;
const SYMBOL_SHIFT = 15, BIT_SHIFT = 13;

/** Adaptive frequencies of `size` symbols. */
interface SymbolModel {
  counts: Uint32Array;
  /** cumulated shares of 2^15 before each symbol */
  distribution: Uint32Array;
  total: number;
  cycle: number;
  untilUpdate: number;
}

interface BitModel {
  zeros: number;
  total: number;
  /** share of 2^13 of a zero */
  zeroShare: number;
  cycle: number;
  untilUpdate: number;
}

function symbolModel(size: number): SymbolModel {
  const model = { counts: new Uint32Array(size).fill(1), distribution: new Uint32Array(size), total: 0, cycle: size, untilUpdate: 0 };
  updateSymbols(model);
  model.cycle = model.untilUpdate = (size + 6) >> 1;
  return model;
}

function updateSymbols(model: SymbolModel): void {
  const { counts, distribution } = model;
  model.total += model.cycle;
  if (model.total > 1 << SYMBOL_SHIFT) {
    model.total = 0;
    for (let s = 0; s < counts.length; s++) model.total += counts[s] = (counts[s]! + 1) >> 1;
  }
  const scale = Math.floor(2 ** 31 / model.total);
  for (let s = 0, sum = 0; s < counts.length; s++) {
    distribution[s] = (scale * sum) >>> 16;
    sum += counts[s]!;
  }
  model.cycle = model.untilUpdate = Math.min((5 * model.cycle) >> 2, (counts.length + 6) << 3);
}

const bitModel = (): BitModel => ({ zeros: 1, total: 2, zeroShare: 1 << (BIT_SHIFT - 1), cycle: 4, untilUpdate: 4 });

function updateBits(model: BitModel): void {
  model.total += model.cycle;
  if (model.total > 1 << BIT_SHIFT) {
    model.total = (model.total + 1) >> 1;
    model.zeros = (model.zeros + 1) >> 1;
    if (model.zeros === model.total) model.total++;
  }
  model.zeroShare = Math.floor(2 ** 31 / model.total) * model.zeros / 2 ** 18 >>> 0;
  model.cycle = model.untilUpdate = Math.min((5 * model.cycle) >> 2, 64);
}

/** Bytes past the end are read as zeros; `overrun` counts them, so that a caller can tell damage. */
class RangeDecoder {
  overrun = 0;
  readonly #bytes: Uint8Array;
  #next = 0;
  #value = 0;
  #length = 2 ** 32 - 1;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    for (let i = 0; i < 4; i++) this.#value = this.#value * 256 + this.#byte();
  }

  #byte(): number {
    if (this.#next >= this.#bytes.length) this.overrun++;
    return this.#bytes[this.#next++] ?? 0;
  }

  #renormalise(): void {
    while (this.#length < MIN_LENGTH) {
      this.#length = this.#length * 256;
      this.#value = this.#value * 256 + this.#byte();
    }
  }

  symbol(model: SymbolModel): number {
    const { distribution, counts } = model;
    const unit = Math.floor(this.#length / 2 ** SYMBOL_SHIFT);
    let low = 0, high = distribution.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (unit * distribution[middle]! > this.#value) high = middle;
      else low = middle;
    }
    const start = unit * distribution[low]!;
    const end = low + 1 < distribution.length ? unit * distribution[low + 1]! : this.#length; // the last takes the rest
    this.#value -= start;
    this.#length = end - start;
    this.#renormalise();
    counts[low]!++;
    if (--model.untilUpdate === 0) updateSymbols(model);
    return low;
  }

  bit(model: BitModel): number {
    const split = model.zeroShare * Math.floor(this.#length / 2 ** BIT_SHIFT);
    const bit = this.#value >= split ? 1 : 0;
    if (bit === 0) {
      this.#length = split;
      model.zeros++;
    } else {
      this.#value -= split;
      this.#length -= split;
    }
    this.#renormalise();
    if (--model.untilUpdate === 0) updateBits(model);
    return bit;
  }

  /** `count` bits of equal probability, at most 32: the low 16 first where there are more than 19. */
  bits(count: number): number {
    if (count > 19) {
      const low = this.bits(16);
      return this.bits(count - 16) * 65536 + low;
    }
    this.#length = Math.floor(this.#length / 2 ** count);
    const bits = Math.floor(this.#value / this.#length);
    this.#value -= bits * this.#length;
    this.#renormalise();
    return bits;
  }
}

const BITS_HIGH = 8;

/** The integer compressor of LAZ with 32 bits: each number as its difference from the one before, in a context. */
export class IntegerDecoder {
  readonly #decoder: RangeDecoder;
  readonly #sizes: SymbolModel[];
  readonly #corrections = Array.from({ length: 32 }, (_, k) => symbolModel(1 << Math.min(k, BITS_HIGH)));
  readonly #sign = bitModel();

  constructor(bytes: Uint8Array, contexts: number) {
    this.#decoder = new RangeDecoder(bytes);
    this.#sizes = Array.from({ length: contexts }, () => symbolModel(33));
  }

  /** True once more than the four bytes that a decoder looks ahead are missing. */
  get overrun(): boolean {
    return this.#decoder.overrun > 4;
  }

  /** The next number of a context, unsigned 32 bits, given the one before (0 at first). */
  next(previous: number, context: number): number {
    return (previous + this.#correction(context)) >>> 0;
  }

  /** k, the size of the difference in bits, then its place in [-(2^k - 1), -2^(k-1)] or [2^(k-1) + 1, 2^k]. */
  #correction(context: number): number {
    const k = this.#decoder.symbol(this.#sizes[context]!);
    if (k === 0) return this.#decoder.bit(this.#sign);
    if (k === 32) return -(2 ** 31);
    let place = this.#decoder.symbol(this.#corrections[k]!);
    if (k > BITS_HIGH) place = place * 2 ** (k - BITS_HIGH) + this.#decoder.bits(k - BITS_HIGH);
    return place >= 2 ** (k - 1) ? place + 1 : place - (2 ** k - 1);
  }
}
