/**
 * Time for commits and reads: never backwards, and never the same instant for a read that has answered and a later
 * commit. Keeps invariant 3 whatever the machine's clock does.
 *
 * `now` is max(machine clock as far as it is believed, newest timestamp, read barrier). Reading as of T raises the read barrier
 * above T, so that later commits get more than T. The persisted ceiling runs ahead of every read barrier; a start takes it as its floor.
 */
import { EngineError } from '../model/errors.ts';
import { asTimestampMs, type TimestampMs } from '../model/ids.ts';
import { LIMITS } from '../model/limits.ts';
import { type Clock, MachineClock, type MachineClockOptions } from './machine-clock.ts';

export class TimeKeeper {
  readonly #machine: MachineClock;
  readonly #wait: Clock['wait'];
  /** The earliest timestamp that a later commit may get. */
  #barrier: number;
  /** What a restart would take as its floor. */
  #ceiling: number;

  /** @throws EngineError CLOCK_NOT_ACCEPTED */
  constructor(clock: Clock, options: MachineClockOptions) {
    this.#machine = new MachineClock(clock, options);
    this.#wait = (ms, signal) => clock.wait(ms, signal);
    this.#barrier = options.floorMs;
    this.#ceiling = options.floorMs;
  }

  /** The current instant as the database sees it, UTC milliseconds. */
  now(newest: TimestampMs): number {
    return Math.max(this.#machine.now(), newest, this.#barrier);
  }

  /** The timestamp for a commit that is being sequenced now. */
  stamp(newest: TimestampMs): TimestampMs {
    return asTimestampMs(Math.max(Math.floor(this.#machine.now()), newest, this.#barrier));
  }

  /** Resolves after about `ms` milliseconds; rejects with the signal's reason if it aborts first. */
  wait(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#wait(ms, signal);
  }

  /**
   * Waits until an instant is no longer in the future, up to 5 s, and raises the read barrier above it: later commits get more.
   * @throws EngineError FUTURE_TIMESTAMP {now} where it is further ahead
   */
  async raiseBarrier(timestampMs: number, newest: () => TimestampMs, signal?: AbortSignal): Promise<void> {
    const ahead = timestampMs - this.now(newest());
    if (ahead > LIMITS.futureWaitMs) throw this.#future(timestampMs, newest());
    // Waited for once, by elapsed time: a clock that is set back meanwhile does not make it longer.
    if (ahead > 0) await this.#wait(ahead, signal);
    if (timestampMs >= this.#barrier) this.#barrier = timestampMs + 1;
  }

  #future(timestampMs: number, newest: TimestampMs): EngineError {
    const now = new Date(this.now(newest)).toISOString();
    return new EngineError('FUTURE_TIMESTAMP', `the instant ${describe(timestampMs)} is in the future; the server's time is ${now}`, {
      details: { now },
      hint: `An instant may be at most ${LIMITS.futureWaitMs / 1000} s ahead. Leave the argument out to read the newest data.`,
    });
  }

  /**
   * The ceiling to persist before answering a read as of an instant; undefined where a start would give later commits more than
   * the instant anyway: it takes the persisted ceiling and the newest commit's timestamp as its floor.
   */
  ceilingNeeded(timestampMs: number, newest: TimestampMs): number | undefined {
    return timestampMs >= Math.max(this.#ceiling, newest) ? this.#barrier + LIMITS.ceilingLeadMs : undefined;
  }

  ceilingPersisted(ceilingMs: number): void {
    this.#ceiling = Math.max(this.#ceiling, ceilingMs);
  }

  /** Stamps after this one are younger than an age by every clock: what is deleted by age keeps them. */
  keptSince(ageMs: number, newest: TimestampMs): number {
    return Math.min(this.#machine.keptSince(ageMs), this.now(newest) - ageMs);
  }

  /** The instant that lies an age ago, or an earlier one where the clock was set ahead since the start. */
  ago(ageMs: number, newest: TimestampMs): number {
    return Math.min(this.#machine.ago(ageMs), this.now(newest) - ageMs);
  }

  /** What a clean stop stores: exactly the floor that later commits must respect. */
  get floor(): number {
    return this.#barrier;
  }
}

function describe(timestampMs: number): string {
  return Math.abs(timestampMs) <= 8.64e15 ? new Date(timestampMs).toISOString() : String(timestampMs);
}
