/**
 * The source of row changes: how each commit changed the rows of a table that match, in commit order, a large commit in
 * several events. A position within a commit is the last row that was seen of it, whatever the filter, so a cursor resumes
 * inside a commit.
 */
import type { Filter, RowChange, Session, SnapshotId, Table, TableId, TableSchema } from '../engine/index.ts';
import { expiredAfter } from './expired.ts';
import type { CommitFeed } from './feed.ts';
import { iterate } from './iterate.ts';
import { after, END, type Position } from './position.ts';
import { CommitReader, type Reader, type Source, type Step } from './source.ts';

export interface ChangesEvent {
  readonly table: Table;
  readonly snapshotId: SnapshotId;
  readonly position: Position;
  readonly changes: readonly RowChange[];
  /** The columns of the rows before and after. */
  readonly before: TableSchema;
  readonly after: TableSchema;
  readonly endOfCommit: boolean;
  readonly caughtUp: boolean;
  readonly headSnapshotId: SnapshotId;
}

export interface ChangesFilter {
  readonly tableId: TableId;
  readonly where?: Filter | undefined;
  /** The columns that it names: a column that has been renamed since is the same one in older commits. */
  readonly filterSchema?: TableSchema | undefined;
  /** The columns of the rows; those of each commit where absent. */
  readonly schema?: TableSchema | undefined;
}

export function changesSource(session: Session, feed: CommitFeed, filter: ChangesFilter, start: Position): Source<ChangesEvent> {
  const source: Source<ChangesEvent> = {
    kind: 'changes',
    about: String(filter.tableId),
    start,
    isLatestOnly: false,
    shows: (tableId) => tableId === filter.tableId,
    reader: (position) => new ChangesReader(session, feed, filter, position),
    [Symbol.asyncIterator]: () => iterate(feed, source),
  };
  return source;
}

/** A commit that is being read, and how far. */
interface Within {
  readonly snapshotId: SnapshotId;
  readonly isErasure: boolean;
  afterRow: number | undefined;
}

class ChangesReader implements Reader<ChangesEvent> {
  readonly #session: Session;
  readonly #feed: CommitFeed;
  readonly #filter: ChangesFilter;
  readonly #commits: CommitReader;
  #position: Position;
  /** Undefined between commits. */
  #within: Within | undefined;

  constructor(session: Session, feed: CommitFeed, filter: ChangesFilter, position: Position) {
    this.#session = session;
    this.#feed = feed;
    this.#filter = filter;
    this.#position = position;
    const { snapshotId, row } = position;
    this.#commits = new CommitReader(feed, row === END ? snapshotId : snapshotId - 1);
  }

  get position(): Position {
    return this.#position;
  }

  async next(): Promise<Step<ChangesEvent> | undefined> {
    for (;;) {
      this.#within ??= await this.#nextCommit();
      if (this.#within === undefined) return undefined;
      const step = await this.#nextPage(this.#within);
      if (step !== undefined) return step;
    }
  }

  /** Goes on to the next commit that touches the table, if there is one yet. */
  async #nextCommit(): Promise<Within | undefined> {
    const { tableId } = this.#filter;
    const { snapshotId: begun, row } = this.#position;
    for (;;) {
      const commit = await this.#commits.next();
      if (commit === undefined) return undefined;
      if (commit.expired?.includes(tableId) === true)
        throw expiredAfter(this.#session.tableById(tableId) as Table, after(commit.snapshotId - 1));
      const snapshot = commit.snapshots.find((one) => one.tableId === tableId);
      if (snapshot !== undefined) {
        const afterRow = commit.snapshotId === begun && row !== END ? row : undefined;
        return { snapshotId: commit.snapshotId, isErasure: snapshot.operation === 'ERASE', afterRow };
      }
      this.#position = after(commit.snapshotId);
    }
  }

  async #nextPage(within: Within): Promise<Step<ChangesEvent> | undefined> {
    const { snapshotId, isErasure, afterRow } = within;
    const table = this.#session.tableById(this.#filter.tableId) as Table;
    const { where, filterSchema, schema } = this.#filter;
    const { erasures } = this.#feed;
    const page = await this.#session.commitChanges(table, { snapshotId, where, filterSchema, schema, afterRow });
    const last = page.changes.at(-1);
    if (page.hasMore && last !== undefined) {
      within.afterRow = last.rowId;
      this.#position = { snapshotId, row: last.rowId };
    } else {
      this.#within = undefined;
      this.#position = after(snapshotId);
    }
    // An erasure says nothing of what it erased; that it happened is told, so that copies are read again.
    if (page.changes.length === 0 && !isErasure) return undefined;
    const { headSnapshotId } = this.#feed;
    const position = this.#position;
    const endOfCommit = !page.hasMore;
    const { changes, before } = page;
    const event: ChangesEvent = {
      table,
      snapshotId,
      position,
      changes,
      before,
      after: page.after,
      endOfCommit,
      caughtUp: endOfCommit && snapshotId === headSnapshotId,
      headSnapshotId,
    };
    return { event, position, afterRow, headSnapshotId, erasures };
  }
}
