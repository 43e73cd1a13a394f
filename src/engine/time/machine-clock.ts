/**
 * The machine's clock, believed as far as the time that has passed allows. A clock that is set to another day while the
 * database runs is not followed, until it comes back or a person has said that it is right: one commit with a time that is a
 * hundred years ahead would pin the database's time there for good, since timestamps never go back (invariant 3).
 *
 * Two other questions are answered from here, because a clock must not decide them alone: how long something has been kept,
 * for what is deleted by age, and whether a start may take the clock as it is.
 */
import { uptime } from 'node:os';
import { EngineError } from '../model/errors.ts';
import { LIMITS } from '../model/limits.ts';
import type { EngineNotice } from '../model/notice.ts';

/** The machine's clock, injectable. */
export interface Clock {
  /** UTC milliseconds; may jump either way. */
  now(): number;
  /** Milliseconds that have passed since some moment, by a clock that nobody sets; the process's own where absent. */
  elapsed?(): number;
  /** Milliseconds that the machine has slept since some moment, which `elapsed` may leave out; none where absent. */
  slept?(): number;
  /** Resolves after about `ms` milliseconds; rejects with the signal's reason if it aborts first. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Milliseconds since the machine was started, its sleep included; 0 where it does not tell. */
function sinceBoot(): number {
  try {
    return uptime() * 1000;
  } catch {
    return 0;
  }
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  slept: () => sinceBoot() - performance.now(),
  wait: (ms, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

/** A clock that is this much ahead of the running time may have slept: then it is asked. */
const SLEEP_MS = 1_000;

export interface MachineClockOptions {
  /** The newest timestamp there is, and the floor that later ones have; 0 in a new database. */
  readonly newestMs: number;
  readonly floorMs: number;
  /** A person has said that the clock is right as it is at this start. */
  readonly isAccepted: boolean;
  readonly tell: (notice: EngineNotice) => void;
}

export class MachineClock {
  readonly #clock: Clock;
  readonly #tell: (notice: EngineNotice) => void;
  readonly #start: { readonly newestMs: number; readonly wallMs: number; readonly elapsedMs: number; readonly sleptMs: number };
  /** The last reading that was believed: what the clock said, and the running time then. */
  #wallMs: number;
  #elapsedMs: number;
  #sleptMs: number;
  #doubted: 'ahead' | 'behind' | undefined;
  /** Whether the clock was believed at all since the start. */
  #everBelieved: boolean;

  /** @throws EngineError CLOCK_NOT_ACCEPTED where the clock is too far ahead of the newest commit to be believed */
  constructor(clock: Clock, { newestMs, floorMs, isAccepted, tell }: MachineClockOptions) {
    this.#clock = clock;
    this.#tell = tell;
    const wallMs = clock.now();
    if (floorMs > 0 && wallMs - floorMs > LIMITS.clockAheadAtStartMs && !isAccepted) throw notAccepted(wallMs, floorMs);
    this.#everBelieved = floorMs - wallMs <= LIMITS.clockJumpMs;
    this.#wallMs = this.#everBelieved ? wallMs : floorMs;
    this.#elapsedMs = this.#elapsed();
    this.#sleptMs = this.#slept();
    this.#start = {
      newestMs: newestMs === 0 ? this.#wallMs : newestMs,
      wallMs: this.#wallMs,
      elapsedMs: this.#elapsedMs,
      sleptMs: this.#sleptMs,
    };
    if (!this.#everBelieved) this.#doubt('behind', wallMs, floorMs);
  }

  #elapsed(): number {
    return this.#clock.elapsed?.() ?? performance.now();
  }

  #slept(): number {
    return this.#clock.slept?.() ?? 0;
  }

  /** What the clock says, where that is believed; else the last believed time and the time that has passed since. */
  now(): number {
    const wallMs = this.#clock.now();
    const elapsedMs = this.#elapsed();
    const expectedMs = this.#wallMs + (elapsedMs - this.#elapsedMs);
    if (this.#doubted !== undefined || Math.abs(wallMs - expectedMs) > LIMITS.clockJumpMs)
      return this.#jumped(wallMs, elapsedMs, expectedMs);
    if (wallMs - expectedMs > SLEEP_MS) this.#sleptMs = this.#slept();
    this.#wallMs = wallMs;
    this.#elapsedMs = elapsedMs;
    return wallMs;
  }

  #jumped(wallMs: number, elapsedMs: number, awakeMs: number): number {
    const sleptMs = this.#slept();
    const expectedMs = Math.floor(awakeMs + Math.max(0, sleptMs - this.#sleptMs));
    // A machine that began with a clock that was behind all commits is believed, once it is set, as at a start.
    const isSet = !this.#everBelieved && wallMs >= expectedMs && wallMs - this.#start.wallMs <= LIMITS.clockAheadAtStartMs;
    if (isSet || Math.abs(wallMs - expectedMs) <= LIMITS.clockJumpMs) {
      if (this.#doubted !== undefined)
        this.#tell({ level: 'info', message: `the machine's clock is believed again; it is ${instant(wallMs)}`, details: {} });
      this.#doubted = undefined;
      this.#everBelieved = true;
      this.#wallMs = wallMs;
      this.#elapsedMs = elapsedMs;
      this.#sleptMs = sleptMs;
      return wallMs;
    }
    this.#doubt(wallMs > expectedMs ? 'ahead' : 'behind', wallMs, expectedMs);
    return expectedMs;
  }

  /** Told once, however often the clock is read. */
  #doubt(what: 'ahead' | 'behind', wallMs: number, expectedMs: number): void {
    if (this.#doubted === what) return;
    this.#doubted = what;
    const remedy =
      what === 'ahead'
        ? 'If it is right, stop the server and start it once with --accept-clock; else set the clock.'
        : 'If it is right, an earlier clock was wrong, and timestamps stay ahead until it has caught up: they never go back. Else set the clock.';
    this.#tell({
      level: 'warn',
      message: `the machine's clock says ${instant(wallMs)}, where ${instant(expectedMs)} was expected; it is not followed; commits are stamped from the expected time on. ${remedy}`,
      details: { clock: instant(wallMs), expected: instant(expectedMs) },
    });
  }

  /**
   * The instant before which everything is surely older than an age, however the clock was set and how long the database stood
   * still: what was there before the start ages only while the process runs.
   */
  keptSince(ageMs: number): number {
    const { newestMs, wallMs, elapsedMs, sleptMs } = this.#start;
    const ranMs = this.#elapsed() - elapsedMs + Math.max(0, this.#slept() - sleptMs);
    return Math.floor((ranMs < ageMs ? Math.min(newestMs, wallMs) : wallMs) + ranMs - ageMs);
  }

  /** The instant that lies an age ago, by the clock at the start and the time that has passed since. */
  ago(ageMs: number): number {
    const { wallMs, elapsedMs, sleptMs } = this.#start;
    return Math.floor(wallMs + (this.#elapsed() - elapsedMs) + Math.max(0, this.#slept() - sleptMs) - ageMs);
  }
}

function notAccepted(wallMs: number, floorMs: number): EngineError {
  const days = Math.round((wallMs - floorMs) / 86_400_000);
  return new EngineError('CLOCK_NOT_ACCEPTED', `the machine's clock says ${instant(wallMs)}, ${days} days after the newest commit`, {
    details: { clock: instant(wallMs), newest: instant(floorMs) },
    hint: 'If the clock is right, start once with --accept-clock. Otherwise set the clock: commits with a wrong time cannot be undone.',
  });
}

function instant(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
