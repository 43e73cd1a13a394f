/** The log as the catalog keeps it: commits and maintenance entries in their order, with what links them in the audit chain. */
import type { LogIndex, SnapshotId } from '../model/ids.ts';
import { asLogIndex, asSnapshotId } from '../model/ids.ts';
import { commitKey, lastNumber, maintenanceKey } from './keys.ts';
import {
  type CommitRecord,
  decodeCommit,
  decodeMaintenance,
  type Head,
  hashOfCommit,
  hashOfExpire,
  type MaintenanceRecord,
} from './records.ts';
import type { CatalogStore } from './store.ts';

interface LinkBase {
  readonly logIndex: LogIndex;
  /** What it is called in findings. */
  readonly what: string;
  /** Its hash as stored, and as it must be after another; entries that vouch for nothing have none. */
  readonly hash: Buffer;
  readonly hashAfter: (previous: Buffer) => Buffer;
}

export type ChainLink =
  | (LinkBase & { readonly kind: 'commit'; readonly commit: CommitRecord })
  | (LinkBase & { readonly kind: 'expire'; readonly record: Extract<MaintenanceRecord, { kind: 'expire' }> })
  | { readonly kind: 'maintenance'; readonly logIndex: LogIndex };

const READ_AT_ONCE = 1000;

export class ChainLinks {
  readonly #store: CatalogStore;
  readonly #start: SnapshotId;
  readonly #head: Head;

  /** From commit `start` to the head. */
  constructor(store: CatalogStore, start: SnapshotId, head: Head) {
    this.#store = store;
    this.#start = start;
    this.#head = head;
  }

  /** @throws EngineError CORRUPT_DATA where a commit is missing or a record damaged */
  async *all(): AsyncGenerator<ChainLink> {
    const commits = this.#commits();
    let commit = (await commits.next()).value as Extract<ChainLink, { kind: 'commit' }> | undefined;
    // Before the first commit there may be entries too: an empty catalog can be tagged.
    const first = this.#start === 1 ? undefined : commit?.logIndex;
    const maintenance = this.#maintenance(first ?? asLogIndex(0));
    let entry = (await maintenance.next()).value as ChainLink | undefined;
    while (commit !== undefined || entry !== undefined) {
      if (entry === undefined || (commit !== undefined && commit.logIndex < entry.logIndex)) {
        yield commit as ChainLink;
        commit = (await commits.next()).value as typeof commit;
      } else {
        yield entry;
        entry = (await maintenance.next()).value as typeof entry;
      }
    }
  }

  async *#commits(): AsyncGenerator<ChainLink> {
    let next: number = this.#start;
    while (next <= this.#head.snapshotId) {
      const entries = await this.#store.entries(
        { gte: commitKey(asSnapshotId(next)), lte: commitKey(this.#head.snapshotId) },
        READ_AT_ONCE,
      );
      if (entries.length === 0) throw this.#store.corrupt(`commit ${next} is missing`);
      for (const [key, bytes] of entries) {
        const snapshotId = asSnapshotId(lastNumber(key));
        if (snapshotId !== next) throw this.#store.corrupt(`commit ${next} is missing`);
        const commit = decodeCommit(snapshotId, bytes);
        next += 1;
        yield {
          kind: 'commit',
          logIndex: commit.logIndex,
          what: `commit ${snapshotId}`,
          hash: commit.hash,
          hashAfter: (previous) => hashOfCommit(snapshotId, bytes, previous),
          commit,
        };
      }
    }
  }

  async *#maintenance(from: LogIndex): AsyncGenerator<ChainLink> {
    let gte: Buffer = maintenanceKey(from);
    for (;;) {
      const range = { gte, lte: maintenanceKey(this.#head.logIndex) };
      const entries = from > this.#head.logIndex ? [] : await this.#store.entries(range, READ_AT_ONCE);
      for (const [key, bytes] of entries) {
        const logIndex = asLogIndex(lastNumber(key));
        const record = decodeMaintenance(bytes);
        if (record.kind !== 'expire') yield { kind: 'maintenance', logIndex };
        else {
          const hashAfter = (previous: Buffer): Buffer => hashOfExpire(logIndex, bytes, previous);
          yield { kind: 'expire', logIndex, what: `expiry at log entry ${logIndex}`, hash: record.hash, hashAfter, record };
        }
      }
      const last = entries.at(-1)?.[0];
      if (last === undefined || entries.length < READ_AT_ONCE) return;
      gte = Buffer.concat([last, Buffer.of(0)]);
    }
  }
}
