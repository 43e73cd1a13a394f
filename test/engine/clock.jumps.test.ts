/** A machine's clock that is set to another day: it is not followed, nothing is forgotten by it, and a person can say that it is right. */
import { describe, expect, it } from 'vitest';
import type { Engine, EngineNotice, EngineOptions } from '../../src/engine/index.ts';
import { LIMITS, openEngine } from '../../src/engine/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { failureOf, temporaryDirectory, testEngine } from '../support/support.ts';

const NOON = Date.UTC(2026, 10, 22, 12);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const CENTURY_MS = 36_525 * DAY_MS;
const BOUND = LIMITS.clockJumpMs;

interface Started {
  readonly engine: Engine;
  readonly clock: ManualClock;
  readonly notices: EngineNotice[];
  /** Stopped and started again, with the clock as it is. */
  restart(options?: Partial<EngineOptions>): Promise<Engine>;
}

async function started(options: Partial<EngineOptions> = {}): Promise<Started> {
  const clock = new ManualClock(NOON);
  const notices: EngineNotice[] = [];
  const all = { clock, onNotice: (notice: EngineNotice) => void notices.push(notice) };
  const engine = await testEngine({ ...all, ...options });
  await engine.createTable({ name: 't', columns: [{ name: 'id', type: 'INT' }] });
  await append(engine, 0);
  let current = engine;
  return {
    engine,
    clock,
    notices,
    restart: async (more = {}) => {
      await current.close();
      notices.length = 0;
      current = await testEngine({ ...all, ...options, ...more, directory: engine.directory });
      return current;
    },
  };
}

/** Appends one row. @returns the commit's timestamp */
async function append(engine: Engine, id: number, idempotencyKey: string | null = null): Promise<number> {
  const { commit } = await engine.append('t', [{ id }], { idempotencyKey });
  return commit?.timestampMs ?? Number.NaN;
}

const replayed = async (engine: Engine, id: number, idempotencyKey: string): Promise<boolean> =>
  (await engine.append('t', [{ id }], { idempotencyKey })).replayed;

const warnings = (notices: readonly EngineNotice[]): string[] =>
  notices.filter(({ level }) => level === 'warn').map(({ message }) => message);

describe('while the database runs', () => {
  it.each([
    ['a century', CENTURY_MS],
    ['a year', 365 * DAY_MS],
    ['a moment more than the bound', BOUND + 1],
  ])('a clock that is set ahead by %s is not followed: commits go on with the time that passes', async (_, jumpMs) => {
    const { engine, clock, notices } = await started();
    clock.step(jumpMs);
    expect(await append(engine, 1)).toBe(NOON);
    clock.advance(5_000);
    expect(await append(engine, 2)).toBe(NOON + 5_000);
    expect(engine.now()).toBe(NOON + 5_000);
    expect(warnings(notices)).toEqual([expect.stringMatching(/the machine's clock says .* was expected.*--accept-clock/)]);
    // What is read as of the time that it is stays right once the clock is.
    expect(await engine.read.resolve({ kind: 'timestamp', timestampMs: NOON + 5_000 })).toMatchObject({ snapshotId: 4 });
    clock.step(-jumpMs);
    clock.advance(1_000);
    expect(await append(engine, 3)).toBe(NOON + 6_000);
    expect(notices.at(-1)).toMatchObject({ level: 'info', message: expect.stringContaining('believed again') });
    clock.step(jumpMs);
    await append(engine, 4);
    expect(warnings(notices)).toHaveLength(2);
  });

  it('one that is set back far does not stop time', async () => {
    const { engine, clock, notices } = await started();
    clock.step(-CENTURY_MS);
    expect(await append(engine, 1)).toBe(NOON);
    clock.advance(60_000);
    expect(await append(engine, 2)).toBe(NOON + 60_000);
    expect(warnings(notices)).toEqual([expect.stringContaining('never go back')]);
  });

  it.each([1, 1_000, HOUR_MS, BOUND, -1, -HOUR_MS])('one that is set by %d ms is followed, and never back', async (stepMs) => {
    const { engine, clock, notices } = await started();
    clock.step(stepMs);
    expect(await append(engine, 1)).toBe(Math.max(NOON, NOON + stepMs));
    expect(notices).toEqual([]);
  });

  it('many small steps are followed, each by itself', async () => {
    const { engine, clock, notices } = await started();
    for (let step = 0; step < 5; step += 1) {
      clock.step(BOUND - 1);
      await append(engine, step);
    }
    expect(engine.now()).toBe(NOON + 5 * (BOUND - 1));
    expect(notices).toEqual([]);
  });

  it('a machine that slept for a week is no clock that was set', async () => {
    const { engine, clock, notices } = await started();
    for (const days of [0.4, 0.4, 7, 30]) clock.sleep(days * DAY_MS);
    expect(await append(engine, 1)).toBe(NOON + 37.8 * DAY_MS);
    expect(notices).toEqual([]);
    for (let night = 0; night < 10; night += 1) {
      clock.sleep(DAY_MS / 2);
      await append(engine, 2);
    }
    // Nights that were slept and followed are no excuse for a jump of as many days.
    clock.step(5 * DAY_MS);
    expect(await append(engine, 3)).toBe(NOON + 42.8 * DAY_MS);
    expect(warnings(notices)).toHaveLength(1);
  });
});

describe('at a start', () => {
  it.each([
    ['a moment', 1],
    ['a month', 30 * DAY_MS],
    ['a year', 366 * DAY_MS],
    ['as much as is taken', LIMITS.clockAheadAtStartMs],
  ])('a database that was off for %s starts as ever', async (_, offMs) => {
    const { clock, restart, notices } = await started();
    clock.step(offMs);
    const again = await restart();
    expect(await append(again, 1)).toBe(NOON + offMs);
    expect(notices).toEqual([]);
  });

  it.each([
    ['a century', CENTURY_MS],
    ['a moment more than is taken', LIMITS.clockAheadAtStartMs + 1],
  ])('a clock that is ahead by %s is refused, and taken once a person says so, for that start', async (_, aheadMs) => {
    const { engine, clock, restart } = await started();
    clock.step(aheadMs);
    await engine.close();
    const error = await failureOf(openEngine({ directory: engine.directory, clock }));
    expect(error).toMatchObject({ code: 'CLOCK_NOT_ACCEPTED', hint: expect.stringContaining('--accept-clock') });
    expect(error.details).toEqual({ clock: new Date(NOON + aheadMs).toISOString(), newest: new Date(NOON).toISOString() });
    const again = await restart({ acceptClock: true });
    expect(await append(again, 1)).toBe(NOON + aheadMs);
    clock.step(CENTURY_MS);
    expect(await append(again, 2)).toBe(NOON + aheadMs);
  });

  it('a clock that is set right after a refusal needs no word', async () => {
    const { engine, clock, restart } = await started();
    clock.step(CENTURY_MS);
    await engine.close();
    await failureOf(openEngine({ directory: engine.directory, clock }));
    clock.step(HOUR_MS - CENTURY_MS);
    expect(await append(await restart(), 1)).toBe(NOON + HOUR_MS);
  });

  it('a clock that is far behind all commits is told, time goes on from them, and a clock that is set is followed', async () => {
    const { clock, restart, notices } = await started();
    clock.step(-CENTURY_MS);
    const again = await restart();
    expect(warnings(notices)).toHaveLength(1);
    clock.advance(1_000);
    expect(await append(again, 1)).toBe(NOON + 1_000);
    // Off for a month, and the network has told the time by now.
    clock.step(CENTURY_MS + 30 * DAY_MS);
    expect(await append(again, 2)).toBe(NOON + 1_000 + 30 * DAY_MS);
    expect(warnings(notices)).toHaveLength(1);
  });

  it('a new database takes any clock', async () => {
    const clock = new ManualClock(NOON + CENTURY_MS);
    const engine = await testEngine({ clock });
    await engine.createTable({ name: 't', columns: [{ name: 'id', type: 'INT' }] });
    expect(await append(engine, 1)).toBe(NOON + CENTURY_MS);
  });
});

describe('an idempotency key of a moment ago', () => {
  it.each([-CENTURY_MS, -BOUND, BOUND, BOUND + 1, 400 * DAY_MS, CENTURY_MS])('replays after the clock was set by %d ms', async (stepMs) => {
    const { engine, clock } = await started();
    await append(engine, 1, 'k');
    clock.step(stepMs);
    expect(await replayed(engine, 1, 'k')).toBe(true);
    await append(engine, 2);
    expect(await replayed(engine, 1, 'k')).toBe(true);
    expect((await engine.delete('t', { kind: 'and', filters: [] }, { idempotencyKey: 'd' })).replayed).toBe(false);
    expect((await engine.delete('t', { kind: 'and', filters: [] }, { idempotencyKey: 'd' })).replayed).toBe(true);
  });

  it.each([BOUND, 30 * DAY_MS, CENTURY_MS])('replays after a restart with a clock that is %d ms ahead, however often', async (stepMs) => {
    const { engine, clock, restart } = await started();
    await append(engine, 1, 'k');
    clock.step(stepMs);
    if (stepMs === BOUND) await append(engine, 2);
    const again = await restart({ acceptClock: true });
    expect(await replayed(again, 1, 'k')).toBe(true);
    if (stepMs === BOUND) return;
    clock.advance(DAY_MS - 1);
    expect(await replayed(again, 1, 'k')).toBe(true);
    clock.advance(1);
    expect(await replayed(again, 1, 'k')).toBe(false);
  });

  it('that is 24 hours old by the time that has passed is free, whatever the clock says', async () => {
    const { engine, clock } = await started();
    await append(engine, 1, 'k');
    clock.step(-HOUR_MS);
    clock.advance(DAY_MS + HOUR_MS);
    expect(await replayed(engine, 1, 'k')).toBe(false);
  });
});

describe('what expires by age', () => {
  const kept = async (engine: Engine): Promise<number> => {
    await engine.administration.applyRetention();
    return engine.table('t').kept.horizon;
  };

  it.each([BOUND, CENTURY_MS])('is not history that is young by the time that has passed, with the clock %d ms ahead', async (stepMs) => {
    const { engine, clock, restart } = await started({ retention: { maxAgeMs: 12 * HOUR_MS } });
    for (let id = 1; id < 4; id += 1) await append(engine, id);
    clock.step(stepMs);
    await append(engine, 4);
    expect(await kept(engine)).toBeLessThan(2);
    // A step that was followed is the time by then.
    if (stepMs <= BOUND) return;
    const again = await restart({ acceptClock: true });
    await append(again, 5);
    expect(await kept(again)).toBeLessThan(2);
    clock.advance(12 * HOUR_MS + 1);
    await append(again, 6);
    expect(await kept(again)).toBeGreaterThan(4);
  });

  it('on demand by an age, neither', async () => {
    const { engine, clock } = await started();
    for (let id = 1; id < 4; id += 1) await append(engine, id);
    clock.step(BOUND);
    await append(engine, 4);
    expect((await engine.expireSnapshots({ olderThanMs: engine.administration.ago(HOUR_MS) })).removedSnapshots).toBe(0);
    clock.advance(HOUR_MS + 1);
    expect((await engine.expireSnapshots({ olderThanMs: engine.administration.ago(HOUR_MS) })).removedSnapshots).toBeGreaterThan(0);
  });
});

it('two databases of one process judge the clock by themselves', async () => {
  const clock = new ManualClock(NOON);
  const first = await testEngine({ clock, directory: await temporaryDirectory() });
  await first.createTable({ name: 't', columns: [{ name: 'id', type: 'INT' }] });
  clock.step(CENTURY_MS);
  const second = await testEngine({ clock });
  await second.createTable({ name: 't', columns: [{ name: 'id', type: 'INT' }] });
  expect(await append(first, 1)).toBe(NOON);
  expect(await append(second, 1)).toBe(NOON + CENTURY_MS);
});
