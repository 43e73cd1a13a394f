/** Random numbers that a failure can be repeated with. */

/** Numbers that look random and are the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A seed, from the environment or new, printed so that a failure can be repeated. */
export function seedOf(what: string): number {
  const seed = Number(process.env['TIDEMARK_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${what}: TIDEMARK_SEED=${seed}`);
  return seed;
}

/** How many random cases to try: a few by default, TIDEMARK_RANDOM_RUNS times as many where it is set. */
export function randomRuns(few: number): number {
  return few * Number(process.env['TIDEMARK_RANDOM_RUNS'] ?? 1);
}
