import fc from 'fast-check';
import { describe, it } from 'vitest';
import { operation, TABLES } from '../support/history-operations.ts';
import { World } from '../support/history-world.ts';
import { scaled } from '../support/random.ts';
import { temporaryDirectory } from '../support/support.ts';

const RUNS = scaled(10);
const SEED = Number(process.env['TIDEMARK_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** Looking for the smallest sequence takes long. */
const SHRINK = process.env['TIDEMARK_TEST_SHRINK'] !== undefined;

/** One step of a sequence: a further kind is one more method of World and one more arbitrary here. */
type Step = (world: World) => Promise<void>;

const named = (text: string, step: Step): Step => Object.assign(step, { [fc.toStringMethod]: () => text });
const tableAt = fc.nat({ max: TABLES.length - 1 });
const tag = fc.constantFrom('first', 'second', 'third');
const part = fc.double({ min: 0, max: 1, noNaN: true });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 14, arbitrary: operation.map((wanted) => named('one', (world) => world.commit([wanted]))) },
  {
    weight: 6,
    arbitrary: fc.array(operation, { minLength: 2, maxLength: 5 }).map((wanted) => named('several', (world) => world.commit(wanted))),
  },
  { weight: 1, arbitrary: tableAt.map((at) => named(`compact ${at}`, (world) => world.compact(at))) },
  { weight: 1, arbitrary: fc.constant(named('reopen', (world) => world.reopen())) },
  {
    weight: 1,
    arbitrary: fc.record({ name: tag, part }).map(({ name, part: at }) => named(`tag ${name}`, (world) => world.tag(name, at))),
  },
  { weight: 1, arbitrary: tag.map((name) => named(`dropTag ${name}`, (world) => world.dropTag(name))) },
  {
    weight: 1,
    arbitrary: fc
      .record({ table: fc.option(tableAt), retainLast: fc.integer({ min: 1, max: 8 }) })
      .map(({ table, retainLast }) => named('expire', (world) => world.expire(table, retainLast))),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ tables: fc.option(fc.array(tableAt, { minLength: 1, maxLength: 2 })), part })
      .map(({ tables, part: at }) => named('restore', (world) => world.restore(tables, at))),
  },
);

describe('every snapshot equals a plain in-memory model', () => {
  it('whatever is committed, refused, compacted and reopened in whatever order', { timeout: 600_000 }, async () => {
    const sequence = fc.record({
      steps: fc.array(step, { minLength: 5, maxLength: 45, size: 'max' }),
      flushRows: fc.constantFrom(12, 20_000),
      seed: fc.nat(),
    });
    const property = fc.asyncProperty(sequence, async ({ steps, ...options }) => {
      const world = new World(await temporaryDirectory(), options);
      try {
        for (const next of steps) await next(world);
        await world.checkAll();
      } catch (error) {
        const { message } = error as Error;
        throw new Error(`${message}\nafter:\n${world.done.join('\n')}`, { cause: error });
      } finally {
        await world.close();
      }
    });
    await fc.assert(property, { seed: SEED, numRuns: RUNS, endOnFailure: !SHRINK });
  });
});
