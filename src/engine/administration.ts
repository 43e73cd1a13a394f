/** The administration of history: restore, tags, retention, expiry, erasure. */
import { type CatalogState, findTable, type TableState, tableById, tableEverNamed, tableNamed, tablesOf } from './catalog/state.ts';
import { checkExpected } from './commit/expectations.ts';
import type { CheckedOptions } from './commit/write/options.ts';
import { evaluateRestore, planRestore, type RestoreParts, type RestoreRequest } from './commit/write/restore.ts';
import { evaluateRevert, planRevert, type RevertedTable, type RevertRequest } from './commit/write/revert.ts';
import { type Changed, type Changes, contentOf, reading } from './commit/write/transactions.ts';
import type { Outcome } from './log/entry.ts';
import { maintenanceHeader } from './log/entry-id.ts';
import { checkReason, type EraseParts, type EraseRequest, eraseRows } from './maintenance/erase.ts';
import { type ExpiredTable, type ExpireLimits, type ExpireParts, expireTable } from './maintenance/expire.ts';
import { EngineError, refusalError } from './model/errors.ts';
import type { Retention, Tag } from './model/history.ts';
import type { SnapshotId, TableId } from './model/ids.ts';
import { LIMITS, limitExceeded } from './model/limits.ts';

export interface AdministrationParts {
  readonly changes: Changes;
  readonly restoring: RestoreParts;
  readonly expiring: ExpireParts;
  readonly erasing: EraseParts;
  /** One maintenance task at a time. */
  readonly exclusive: <T>(work: () => Promise<T>) => Promise<T>;
  /** The policy of tables that have none of their own. */
  readonly retention: Retention | null;
  /** The current instant as the database sees it, UTC milliseconds. */
  readonly now: () => number;
  /** Told that a table has something to compact. */
  readonly due: (tableId: TableId) => void;
}

/**
 * Which snapshots to expire. At least one of `olderThanMs` and `retainLast` is needed; with both, a snapshot expires only if both allow
 * it.
 */
export interface ExpireRequest {
  /** The table's name; by default all tables. */
  readonly table?: string | null | undefined;
  /** An instant, UTC milliseconds since the epoch. The snapshot that was current then, and all newer ones, are kept. */
  readonly olderThanMs?: number | null | undefined;
  /** This many of the newest snapshots of each table are kept; at least 1. */
  readonly retainLast?: number | null | undefined;
  /** Whether to change nothing and only answer what would expire. */
  readonly dryRun?: boolean | null | undefined;
}

/** What expired, or would expire in a dry run. */
export interface ExpireResult {
  /** Whether this was a dry run. */
  readonly dryRun: boolean;
  /** Table by table. */
  readonly tables: readonly ExpiredTable[];
  /** How many snapshots expired. */
  readonly removedSnapshots: number;
  /** About how many bytes of files compaction will free. */
  readonly reclaimableBytes: number;
}

export interface EraseResult {
  readonly outcome: Outcome | undefined;
  readonly table: TableState;
  readonly erasedRows: number;
  readonly erasedVersions: number;
}

export class Administration {
  readonly #parts: AdministrationParts;

  constructor(parts: AdministrationParts) {
    this.#parts = parts;
  }

  restore(request: RestoreRequest, options: CheckedOptions): Promise<Changed> {
    const { changes, restoring } = this.#parts;
    const content = options.idempotencyKey === null ? '' : contentOf(['restore', request]);
    return changes.run(options, content, (state) => evaluateRestore(restoring, state, request, reading()));
  }

  async revert(request: RevertRequest, options: CheckedOptions): Promise<Changed & { readonly reverted: readonly RevertedTable[] }> {
    const { changes, restoring } = this.#parts;
    const content = options.idempotencyKey === null ? '' : contentOf(['revert', request]);
    let reverted: readonly RevertedTable[] = [];
    const changed = await changes.run(options, content, async (state) => {
      const evaluated = await evaluateRevert(restoring, state, request, reading());
      ({ reverted } = evaluated);
      return evaluated;
    });
    return { ...changed, reverted: changed.outcome?.kind === 'replayed' ? [] : reverted };
  }

  /** What a revert would do. @throws EngineError as the revert itself, but for the number of rows */
  async wouldRevert(request: RevertRequest, options: CheckedOptions): Promise<RevertedTable[]> {
    const { changes, restoring } = this.#parts;
    const reverted = await changes.look((state) => planRevert(restoring, state, request, reading()));
    for (const { table } of reverted) checkExpected(table, options);
    return reverted;
  }

  /** The tables that a restore would change. @throws EngineError as the restore itself, but for the number of rows */
  wouldRestore(request: RestoreRequest, options: CheckedOptions): Promise<TableState[]> {
    const { changes, restoring } = this.#parts;
    return changes.look((state) => planRestore(restoring, state, request, options));
  }

  async createTag(name: string, snapshotId: SnapshotId, message: string | null): Promise<Tag> {
    checkTagName(name);
    if (message !== null && message.length > LIMITS.messageLengthMax)
      throw limitExceeded('messageLengthMax', LIMITS.messageLengthMax, message.length, 'Shorten the message.');
    return this.#tag(name, { snapshotId, message });
  }

  dropTag(name: string): Promise<Tag> {
    return this.#tag(name, null);
  }

  async #tag(name: string, tag: { readonly snapshotId: SnapshotId; readonly message: string | null } | null): Promise<Tag> {
    const outcome = await this.#parts.expiring.log.append({ ...maintenanceHeader(), kind: 'tag', name, tag });
    if (outcome.kind === 'refused') throw refusalError(outcome.refusal);
    if (outcome.kind !== 'tagged' || outcome.tag === null) throw new Error(`a tag ended as ${outcome.kind}`);
    return outcome.tag;
  }

  /** The instant that lies an age ago, UTC milliseconds; an earlier one where the machine's clock was set ahead meanwhile. */
  ago(ageMs: number): number {
    return this.#parts.expiring.ago(ageMs);
  }

  /** @throws EngineError TABLE_NOT_FOUND, BAD_USER_INPUT */
  async expire({ table: name, olderThanMs = null, retainLast = null, dryRun }: ExpireRequest): Promise<ExpireResult> {
    if (olderThanMs === null && retainLast === null)
      throw new EngineError(
        'BAD_USER_INPUT',
        'expireSnapshots needs olderThan, olderThanMs or retainLast: without a limit it would expire all of history',
        {
          hint: 'retainLast: 1 keeps only the newest snapshot of each table.',
        },
      );
    if (retainLast !== null && (!Number.isInteger(retainLast) || retainLast < 1))
      throw new EngineError(
        'BAD_USER_INPUT',
        `retainLast: ${retainLast} is not a number of snapshots; the newest is always kept, so it is at least 1`,
      );
    const now = this.#parts.now();
    if (olderThanMs !== null && olderThanMs > now + LIMITS.futureWaitMs)
      throw new EngineError('FUTURE_TIMESTAMP', `olderThan lies in the future; it is ${new Date(now).toISOString()} now`, {
        details: { now: new Date(now).toISOString() },
        hint: 'retainLast: 1 keeps only the newest snapshot of each table.',
      });
    const state = this.#parts.expiring.current();
    const tables = name == null ? tablesOf(state) : [findTable(state, name) ?? tableNamed(state, name)];
    const expired: ExpiredTable[] = [];
    for (const table of tables) expired.push(await this.#expireTable(table.id, { olderThanMs, retainLast }, dryRun === true));
    return {
      dryRun: dryRun === true,
      tables: expired,
      removedSnapshots: expired.reduce((sum, one) => sum + one.removedSnapshots, 0),
      reclaimableBytes: expired.reduce((sum, one) => sum + one.reclaimableBytes, 0),
    };
  }

  async #expireTable(tableId: TableId, limits: ExpireLimits, dryRun: boolean): Promise<ExpiredTable> {
    const expired = await this.#parts.exclusive(() => expireTable(this.#parts.expiring, tableId, limits, dryRun));
    if (!dryRun && expired.removedSnapshots > 0) this.#parts.due(tableId);
    return expired;
  }

  /** Takes rows out of every snapshot of a table; see maintenance/erase.ts. */
  async erase(request: EraseRequest, options: CheckedOptions): Promise<EraseResult> {
    checkReason(request.reason);
    const { erasing, exclusive } = this.#parts;
    const table = livingOrTold(erasing.current(), request.table);
    const erased = await exclusive(() => eraseRows(erasing, table, request, options));
    if (erased.outcome?.kind === 'refused') throw refusalError(erased.outcome.refusal);
    return { ...erased, table };
  }

  /** The policy that a table's history is kept by; null where nothing expires by itself. */
  retentionOf(table: TableState): Retention | null {
    return table.retention ?? this.#parts.retention;
  }

  /** Expires what the tables' policies let go. */
  async applyRetention(): Promise<void> {
    for (const { id } of tablesOf(this.#parts.expiring.current())) {
      const policy = this.retentionOf(tableById(this.#parts.expiring.current(), id));
      if (policy === null) continue;
      const olderThanMs = policy.maxAgeMs === null ? null : this.#parts.expiring.keptSince(policy.maxAgeMs);
      await this.#expireTable(id, { olderThanMs, retainLast: policy.minSnapshots }, false);
    }
  }
}

/** @throws EngineError TABLE_NOT_FOUND, which of a dropped table says what to do */
function livingOrTold(state: CatalogState, name: string): TableState {
  const dropped = findTable(state, name) === undefined ? tableEverNamed(state, name) : undefined;
  if (dropped === undefined) return tableNamed(state, name);
  throw new EngineError('TABLE_NOT_FOUND', `table ${name} was dropped; rows can be erased only from a table that is there`, {
    details: { table: name },
    hint: 'Restore the table, erase the rows, and drop it again.',
  });
}

const TAG_NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;

function checkTagName(name: string): void {
  if (name.length > LIMITS.tagLengthMax) throw limitExceeded('tagLengthMax', LIMITS.tagLengthMax, name.length, 'Choose a shorter name.');
  if (!TAG_NAME.test(name))
    throw new EngineError('INVALID_NAME', `tag name ${JSON.stringify(name.slice(0, 80))} is not allowed`, {
      details: { name: name.slice(0, 80), pattern: TAG_NAME.source },
      hint: 'A tag starts with a letter or a digit, and has letters, digits, points, hyphens, underscores and slashes.',
    });
}
