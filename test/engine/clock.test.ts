import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { scaled } from '../support/random.ts';
import { rowsAsOf, temporaryDirectory, testEngine } from '../support/support.ts';

const NOON = Date.UTC(2026, 10, 22, 12);
const HOUR_MS = 3_600_000;

type Restart = (engine: Engine, clock: ManualClock) => Promise<Engine>;

/** Stopped and started again in the same directory. */
const afterClose: Restart = async (engine, clock) => {
  await engine.close();
  return testEngine({ directory: engine.directory, clock });
};

/** The disk as a killed process would leave it: copied while the engine runs, and opened. */
const afterCrash: Restart = async (engine, clock) => {
  const directory = join(await temporaryDirectory(), 'copy');
  await cp(engine.directory, directory, { recursive: true });
  return testEngine({ directory, clock });
};

const RESTARTS: readonly (readonly [string, Restart])[] = [
  ['a clean restart', afterClose],
  ['a crash', afterCrash],
];

const CHANGES: readonly (readonly [string, number])[] = [
  ['stands still', 0],
  ['steps back a millisecond', -1],
  ['steps back an hour', -HOUR_MS],
  ['jumps ahead an hour', HOUR_MS],
];

async function started(): Promise<{ engine: Engine; clock: ManualClock }> {
  const clock = new ManualClock(NOON);
  const engine = await testEngine({ clock });
  await engine.createTable({ name: 't', columns: [{ name: 'id', type: 'INT' }] });
  return { engine, clock };
}

/** Appends one row. @returns the commit's timestamp */
async function append(engine: Engine, id: number): Promise<number> {
  const { commit } = await engine.append('t', [{ id }]);
  if (commit === null) throw new Error('nothing was committed');
  return commit.timestampMs;
}

/** Everything that a read as of an instant answers. */
async function answer(engine: Engine, timestampMs: number): Promise<unknown> {
  const instant = await engine.read.resolve({ kind: 'timestamp', timestampMs });
  const rows = instant.snapshotId === 0 ? [] : await rowsAsOf(engine, 't', { kind: 'snapshot', snapshotId: instant.snapshotId });
  return { ...instant, ids: rows.map((row) => row['id']) };
}

async function timestamps(engine: Engine): Promise<number[]> {
  const commits = await engine.read.history.commits(
    {},
    { lo: engine.table('t').createdSnapshotId, hi: engine.headSnapshotId, descending: false, limit: 1000 },
  );
  return commits.map((commit) => commit.timestampMs);
}

function expectInOrder(times: readonly number[]): void {
  expect(times).toEqual([...times].sort((left, right) => left - right));
}

describe.each(RESTARTS)('time, over %s', (_, restart) => {
  it.each(CHANGES)('keeps the answer of an instant when the clock %s', async (_change, stepMs) => {
    const { engine, clock } = await started();
    await append(engine, 1);
    clock.advance(500);
    const asked = clock.now();
    const before = await answer(engine, asked);
    expect(before).toMatchObject({ snapshotId: 2, ids: [1] });

    clock.step(stepMs);
    await append(engine, 2);
    expect(await answer(engine, asked)).toEqual(before);

    const again = await restart(engine, clock);
    expect(await answer(again, asked)).toEqual(before);
    expect(await append(again, 3)).toBeGreaterThan(asked);
    expect(await answer(again, asked)).toEqual(before);
    expectInOrder(await timestamps(again));
  });

  it.each(CHANGES)('keeps it when the read was the last thing before, and the clock then %s', async (_change, stepMs) => {
    const { engine, clock } = await started();
    const newest = await append(engine, 1);
    const before = await answer(engine, newest);
    clock.step(stepMs);
    const again = await restart(engine, clock);
    expect(await append(again, 2)).toBeGreaterThan(newest);
    expect(await answer(again, newest)).toEqual(before);
  });

  it('keeps it when the instant was waited for', async () => {
    const { engine, clock } = await started();
    await append(engine, 1);
    const asked = clock.now() + 5000;
    const waiting = clock.nextWait();
    const reading = answer(engine, asked);
    await waiting;
    clock.advance(5000);
    const before = await reading;
    clock.step(-HOUR_MS);
    const again = await restart(engine, clock);
    expect(await append(again, 2)).toBeGreaterThan(asked);
    expect(await answer(again, asked)).toEqual(before);
  });

  it('gives an instant that many commits share to the highest snapshot', async () => {
    const { engine, clock } = await started();
    const times = await Promise.all(Array.from({ length: 50 }, (_, id) => append(engine, id)));
    expect(new Set(times)).toEqual(new Set([NOON]));
    const again = await restart(engine, clock);
    expect(await answer(again, NOON)).toMatchObject({ snapshotId: 51, timestampMs: NOON });
    expect(await append(again, 50)).toBeGreaterThan(NOON);
    expect(await answer(again, NOON)).toMatchObject({ snapshotId: 51, timestampMs: NOON });
  });

  it('never goes back: timestamps stay in the order of commits through every step of the clock', async () => {
    const { engine, clock } = await started();
    let current = engine;
    for (const [index, [, stepMs]] of CHANGES.entries()) {
      clock.step(stepMs);
      await append(current, index);
      current = await restart(current, clock);
      await append(current, index);
    }
    const times = await timestamps(current);
    expect(times).toHaveLength(1 + 2 * CHANGES.length);
    expectInOrder(times);
  });
});

describe('time', () => {
  it('is not pushed ahead by restarts in quick succession', async () => {
    const { engine, clock } = await started();
    let current = engine;
    for (const restart of [afterClose, afterCrash, afterClose, afterCrash]) {
      current = await restart(current, clock);
      expect(await append(current, 1)).toBe(NOON);
    }
  });

  it('runs at most two seconds ahead after a crash, and no longer once the clock has caught up', async () => {
    const { engine, clock } = await started();
    await answer(engine, clock.now());
    const again = await afterCrash(engine, clock);
    expect(await append(again, 1)).toBeLessThanOrEqual(NOON + 2000);
    clock.advance(10_000);
    expect(await append(again, 2)).toBe(NOON + 10_000);
  });

  it('follows the clock again where a clean stop came after a read', async () => {
    const { engine, clock } = await started();
    await answer(engine, clock.now());
    const again = await afterClose(engine, clock);
    expect(await append(again, 1)).toBe(NOON + 1);
  });

  it('makes nobody wait longer than five seconds for an instant, even when the clock has stepped back an hour', async () => {
    let waitedMs = 0;
    class PatientClock extends ManualClock {
      /** Time passes as soon as somebody waits for it. */
      override async wait(ms: number): Promise<void> {
        waitedMs += ms;
        this.advance(ms);
      }
    }
    const clock = new PatientClock(NOON);
    const engine = await testEngine({ clock });
    await engine.createTable({ name: 't', columns: [{ name: 'id', type: 'INT' }] });
    const newest = await append(engine, 1);
    clock.step(-HOUR_MS);
    expect(await answer(engine, newest + 1000)).toMatchObject({ ids: [1] });
    expect(waitedMs).toBeLessThanOrEqual(5000);
  });

  it('never changes an answer, through random commits, reads, clock steps, compactions, restarts and crashes', async () => {
    const action = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 3 }) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('read' as const), agoMs: fc.constantFrom(0, 0, 1, 2, 10, 1000, HOUR_MS) }) },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('step' as const), ms: fc.constantFrom(1, 7, -1, -7, 1000, -HOUR_MS, HOUR_MS) }),
      },
      { weight: 1, arbitrary: fc.constant({ kind: 'compact' as const }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'close' as const }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 20 }), async (actions) => {
        const { engine: first, clock } = await started();
        let engine = first;
        let nextId = 1;
        const answers = new Map<number, unknown>();
        for (const step of actions) {
          if (step.kind === 'append') await Promise.all(Array.from({ length: step.count }, () => append(engine, nextId++)));
          else if (step.kind === 'step') clock.step(step.ms);
          else if (step.kind === 'compact') await engine.compact();
          else if (step.kind === 'close') engine = await afterClose(engine, clock);
          else if (step.kind === 'crash') engine = await afterCrash(engine, clock);
          else {
            const asked = Math.max(clock.now(), (await timestamps(engine)).at(-1) ?? 0) - step.agoMs;
            if (!answers.has(asked)) answers.set(asked, await answer(engine, asked));
          }
          for (const [asked, before] of answers) expect(await answer(engine, asked)).toEqual(before);
        }
        expectInOrder(await timestamps(engine));
        await engine.close();
      }),
      { numRuns: scaled(3.75) },
    );
  });
});
