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
  const seed = Number(process.env['TIDEMARK_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${what}: TIDEMARK_TEST_SEED=${seed}`);
  return seed;
}

/** How long random and torture tests run: 1 in `npm test`, 0.25 in `npm run test:quick`, 4 in `.ci/run`. TIDEMARK_TEST_SCALE sets it. */
export const SCALE = Number(process.env['TIDEMARK_TEST_SCALE'] ?? 1);

/** How many random cases to try: a few, as many times as the scale says, and one at least. */
export function scaled(few: number): number {
  return Math.max(1, Math.round(few * SCALE));
}
