/** Ascending numbers, searched by halves. */

/** The position of the first value that is not below a bound. */
export function firstAtLeast(values: ArrayLike<number>, bound: number): number {
  let lo = 0;
  let hi = values.length;
  while (lo < hi) {
    const middle = (lo + hi) >>> 1;
    if ((values[middle] as number) < bound) lo = middle + 1;
    else hi = middle;
  }
  return lo;
}
