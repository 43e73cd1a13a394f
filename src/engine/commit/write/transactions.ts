/**
 * Changes read before they write. Their operations are evaluated on a base first, while nothing is held. Then the locks of
 * their tables are taken, the operations are evaluated again on what was committed since, and the entry is sequenced. So the
 * outcome is that of one commit after another (invariant 2), and appends never see a conflict.
 */
import { createHash } from 'node:crypto';
import { idempotencyKey } from '../../catalog/keys.ts';
import { decodeIdempotency, ERASED_CONTENT } from '../../catalog/records.ts';
import type { CatalogState } from '../../catalog/state.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import type { Pins } from '../../data/pins.ts';
import type { CommitEntry, Outcome } from '../../log/entry.ts';
import type { Log } from '../../log/log.ts';
import { Budget } from '../../model/budget.ts';
import { EngineError, refusalError } from '../../model/errors.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';
import { checkNothing } from '../expectations.ts';
import { TABLES_LOCK, type TableLocks } from '../sequence/table-locks.ts';
import type { BulkParts } from './bulk.ts';
import { type Evaluated, Evaluation } from './evaluate.ts';
import { type CommitOperation, isRowOperation, tableDescriptorOf } from './operations/index.ts';
import type { CheckedOptions } from './options.ts';
import { commitEntry } from './prepare.ts';

interface ChangesParts extends BulkParts {
  readonly current: () => CatalogState;
  readonly pins: Pins;
  readonly tableLocks: TableLocks;
  readonly log: Log;
  /** Stamps after this one are younger than an age. */
  readonly keptSince: (ageMs: number) => number;
  /** After a failed write, whether it is on disk is known only after a restart: staged files must stay. */
  readonly failed: () => boolean;
}

export interface Changed {
  /** Undefined where there was nothing to commit. */
  readonly outcome: Outcome | undefined;
  readonly evaluated: Evaluated | undefined;
}

/** Times that the locks are taken, where tables were dropped or created meanwhile. */
const ATTEMPTS = 5;

/** What an evaluation makes of a state: of operations, or of a restore. */
type Evaluate = (state: CatalogState, earlier: Evaluated | undefined) => Promise<Evaluated>;

export class Changes {
  readonly #parts: ChangesParts;

  constructor(parts: ChangesParts) {
    this.#parts = parts;
  }

  /** @throws EngineError of the operations' checks, CONFLICT, IDEMPOTENCY_KEY_REUSED, OVERLOADED, STORAGE_FULL */
  commit(operations: readonly CommitOperation[], options: CheckedOptions): Promise<Changed> {
    if (operations.length > LIMITS.operationsMax)
      throw limitExceeded('operationsMax', LIMITS.operationsMax, operations.length, 'Put rows of one table into one operation.');
    const content = options.idempotencyKey === null ? '' : contentOfOperations(operations);
    return this.run(options, content, (state, earlier) => new Evaluation(this.#parts, state, reading(), earlier?.memory).run(operations));
  }

  /** Evaluates, holds, evaluates again where that is needed, and logs. */
  async run(options: CheckedOptions, content: string, evaluate: Evaluate): Promise<Changed> {
    const { tableLocks } = this.#parts;
    for (let attempt = 1; ; attempt += 1) {
      const replayed = this.#replayed(options, content);
      if (replayed !== undefined) return { outcome: replayed, evaluated: undefined };
      const first = await this.#pinned((state) => evaluate(state, undefined));
      try {
        if (first.restsOn === 'nothing') return await tableLocks.shared(TABLES_LOCK, () => this.#log(first, options, content));
        const ids = locksOf(first);
        const changed = await tableLocks.exclusive(ids, () => this.#held(options, content, first, ids, evaluate));
        if (changed !== undefined) return changed;
        if (attempt === ATTEMPTS) throw busy();
      } catch (error) {
        await this.#discard(first);
        throw error;
      }
    }
  }

  /** What would become of the newest state, without a commit. */
  look<T>(work: (state: CatalogState) => Promise<T>): Promise<T> {
    return this.#pinned(work);
  }

  /** Evaluates on the newest state, pinned; nothing stays pinned while a change waits for its tables. */
  async #pinned<T>(work: (state: CatalogState) => Promise<T>): Promise<T> {
    const state = this.#parts.current();
    const pin = this.#parts.pins.pin(state.logIndex);
    try {
      return await work(state);
    } catch (error) {
      throw error instanceof EngineError && error.code === 'QUERY_TIMEOUT' ? busy() : error;
    } finally {
      pin.release();
    }
  }

  /** With the tables held. @returns undefined where the operations are about other tables by now */
  async #held(
    options: CheckedOptions,
    content: string,
    first: Evaluated,
    ids: readonly number[],
    evaluate: Evaluate,
  ): Promise<Changed | undefined> {
    const { current } = this.#parts;
    const replayed = this.#replayed(options, content);
    if (replayed !== undefined) {
      await this.#discard(first);
      return { outcome: replayed, evaluated: undefined };
    }
    const state = current();
    if (stillHolds(first, state)) return this.#log(first, options, content);
    await this.#discard(first);
    const second = await this.#pinned((now) => evaluate(now, first));
    if (locksOf(second).some((id) => !ids.includes(id))) {
      await this.#discard(second);
      return undefined;
    }
    try {
      return await this.#log(second, options, content);
    } catch (error) {
      await this.#discard(second);
      throw error;
    }
  }

  async #log(evaluated: Evaluated, options: CheckedOptions, content: string): Promise<Changed> {
    if (evaluated.changes.length === 0) {
      checkNothing(evaluated.tables, options);
      return { outcome: undefined, evaluated };
    }
    const entry: CommitEntry = commitEntry(evaluated.changes, options, content, evaluated.bytes);
    const outcome = await this.#parts.log.append(entry);
    if (outcome.kind === 'refused') throw refusalError(outcome.refusal);
    if (outcome.kind === 'replayed') await this.#discard(evaluated);
    return { outcome, evaluated };
  }

  /** The first commit with the same key, where it is known already: a change that was made finds nothing to do any more. */
  #replayed({ idempotencyKey: key }: CheckedOptions, content: string): Outcome | undefined {
    if (key === null) return undefined;
    const bytes = this.#parts.store.get(idempotencyKey(key));
    if (bytes === undefined) return undefined;
    const record = decodeIdempotency(bytes);
    if (record.content !== content && record.content !== ERASED_CONTENT) return undefined;
    const isAged = record.timestampMs <= this.#parts.keptSince(LIMITS.idempotencyAgeMs);
    return isAged ? undefined : { kind: 'replayed', snapshotId: record.snapshotId };
  }

  /** Files that no entry names. */
  async #discard({ files }: Evaluated): Promise<void> {
    if (this.#parts.failed()) return;
    for (const { tableId, file } of files) await this.#parts.staging.remove(tableId, file.file);
  }
}

/** What is held while the entry is logged. */
function locksOf({ restsOn, tables, found }: Evaluated): number[] {
  return [...(restsOn === 'tables and ids' ? [TABLES_LOCK] : []), ...new Set([...tables, ...found].map((table) => table.id))];
}

/** Whether what was evaluated on one state is what it would be on another: none of its tables has changed. */
function stillHolds({ state, tables, found, restsOn }: Evaluated, now: CatalogState): boolean {
  if (restsOn === 'tables and ids' && state.tables.length !== now.tables.length) return false;
  return [...tables, ...found].every((table) => {
    const at = now.tables[table.id];
    return (
      at !== undefined &&
      at.last.snapshotId === table.last.snapshotId &&
      at.filesEpoch === table.filesEpoch &&
      at.droppedSnapshotId === table.droppedSnapshotId &&
      now.byName.get(table.name) === state.byName.get(table.name)
    );
  });
}

/** What a change may take to read what it changes. */
export function reading(): QueryOptions {
  const hint = 'Change fewer rows at once, by a narrower filter.';
  return { timeoutMs: LIMITS.holdMs, budget: new Budget({ limit: 'changedBytesMax', maximum: LIMITS.changedBytesMax, hint }) };
}

function busy(): EngineError {
  return new EngineError('OVERLOADED', `the change took longer than ${LIMITS.holdMs} ms to prepare; nothing was done`, {
    details: { retryAfterMs: 1000, limit: 'holdMs', maximum: LIMITS.holdMs },
    hint: 'Try again, or change fewer rows at once.',
  });
}

/** What an idempotency key stands for. */
function contentOfOperations(operations: readonly CommitOperation[]): string {
  const [only] = operations;
  const isAlone = operations.length === 1 && only !== undefined;
  const own = isAlone && !isRowOperation(only) ? tableDescriptorOf(only).contentAlone?.(only) : undefined;
  return own ?? contentOf(operations);
}

/** First 16 bytes of SHA-256 over what was asked for, hex. */
export function contentOf(asked: unknown): string {
  const text = JSON.stringify(asked, (_key, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
  });
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
