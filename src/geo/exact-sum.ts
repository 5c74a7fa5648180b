// geo/exact-sum.ts: sums of doubles without rounding, so that no order of adding shows. Pure.

/**
 * A sum that keeps every bit: adding in any order, and adding sums of parts, gives the same number.
 *
 * @see Shewchuk 1997, doi:10.1007/PL00009321 (grow-expansion); the rounding at the end is that of Python's `math.fsum`
 */
export class ExactSum {
  /** parts whose sum is the sum, of growing size, no two of which share a bit */
  private readonly partials: number[] = [];

  /** @param value  finite */
  add(value: number): void {
    const { partials } = this;
    let kept = 0, carry = value;
    for (let i = 0; i < partials.length; i++) {
      const other = partials[i]!, [large, small] = Math.abs(carry) < Math.abs(other) ? [other, carry] : [carry, other];
      carry = large + small;
      const lost = small - (carry - large);
      if (lost !== 0) partials[kept++] = lost;
    }
    partials.length = kept;
    partials.push(carry);
  }

  /** Numbers whose exact sum it is: few, to be kept and added to another sum later. */
  terms(): number[] {
    return this.partials.length === 0 ? [0] : [...this.partials];
  }

  /** The double nearest to the sum, a tie to the even one. */
  value(): number {
    const { partials } = this;
    let n = partials.length, sum = 0, lost = 0;
    while (n > 0 && lost === 0) {
      const before = sum, next = partials[--n]!;
      sum = before + next;
      lost = next - (sum - before);
    }
    const below = n > 0 ? partials[n - 1]! : 0;
    if (below !== 0 && Math.sign(lost) === Math.sign(below)) {
      const doubled = sum + 2 * lost; // `lost` may be half a unit of `sum`: what lies below says which way to round
      if (2 * lost === doubled - sum) return doubled;
    }
    return sum;
  }
}
