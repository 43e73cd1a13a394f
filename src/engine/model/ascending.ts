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

/** The same over things in the order of a number that they have. */
export function firstAtLeastBy<T>(things: readonly T[], bound: number, numberOf: (thing: T) => number): number {
  let lo = 0;
  let hi = things.length;
  while (lo < hi) {
    const middle = (lo + hi) >>> 1;
    if (numberOf(things[middle] as T) < bound) lo = middle + 1;
    else hi = middle;
  }
  return lo;
}
