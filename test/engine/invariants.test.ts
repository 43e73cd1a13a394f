import { describe, expect, it } from 'vitest';
import type { CatalogState } from '../../src/engine/catalog/state.ts';
import { apply } from '../../src/engine/commit/apply/apply.ts';
import type { Applied } from '../../src/engine/commit/apply/types.ts';
import { commitEntry, NO_KEYS } from '../../src/engine/commit/write/prepare.ts';
import type { Engine } from '../../src/engine/index.ts';
import type { RowsChange } from '../../src/engine/log/entry.ts';
import { LocalLog } from '../../src/engine/log/log.ts';
import type { Commit } from '../../src/engine/model/history.ts';
import { openEngine } from '../../src/engine/open.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { failureOf, rowsAsOf, temporaryDirectory } from '../support/support.ts';

type Mutable<T> = { -readonly [key in keyof T]: T[key] };
type Broken = {
  outcome: { kind: 'committed'; commit: Mutable<Commit> };
  state: Mutable<CatalogState>;
  puts: Mutable<Applied['puts'][number]>[];
};

/** What apply gave for a commit to table 1, copied so that a test may break it. */
function copied({ outcome, state, puts }: Applied): Broken {
  if (outcome.kind !== 'committed') throw new Error(`the entry was ${outcome.kind}`);
  return {
    outcome: { ...outcome, commit: { ...outcome.commit } },
    state: { ...state, tables: state.tables.slice() },
    puts: puts.map((put) => ({ ...put })),
  };
}

/** Gives table 1, and its snapshot in the commit, other values. */
function breakTable({ outcome, state }: Broken, snapshot: object, table: object = {}): void {
  const present = state.tables[1];
  if (present === undefined) throw new Error('there is no table 1');
  const last = { ...present.last, ...snapshot };
  const tables = state.tables.slice();
  tables[1] = { ...present, ...table, last };
  state.tables = tables;
  outcome.commit.snapshots = [last];
}

const one = (value: number) => value as never;

function set<T>(of: Mutable<T>, values: Partial<T>): void {
  Object.assign(of as object, values);
}

/** Ways in which apply could be wrong, and what is said of each. */
const BROKEN: Readonly<Record<string, readonly [broken: (given: Broken, before: CatalogState) => void, what: string]>> = {
  'a snapshot id is left out': [({ state }) => set(state, { snapshotId: one(state.snapshotId + 1) }), 'snapshot ids ascend by one'],
  'a snapshot id is used again': [({ state }, before) => set(state, { snapshotId: before.snapshotId }), 'snapshot ids ascend by one'],
  'a place in the log is left out': [
    ({ state }) => set(state, { logIndex: one(state.logIndex + 1) }),
    'the places in the log ascend by one',
  ],
  'a commit has another id than its state': [
    ({ outcome }) => set(outcome.commit, { snapshotId: one(1) }),
    'a commit has the ids of the state',
  ],
  'the timestamp goes back': [
    ({ outcome, state }, before) => {
      state.timestampMs = one(before.timestampMs - 1);
      outcome.commit.timestampMs = state.timestampMs;
    },
    'timestamps do not go back',
  ],
  'the timestamp lies before an instant that has been read': [
    ({ outcome, state }, before) => {
      state.timestampMs = before.timestampMs;
      outcome.commit.timestampMs = before.timestampMs;
    },
    'a commit is stamped after every instant that has been read',
  ],
  'a row is counted twice': [(given) => breakTable(given, { totalRows: 3 }), 'those created less those deleted'],
  'a row is lost': [(given) => breakTable(given, { totalRows: 1 }), 'those created less those deleted'],
  'row ids are given again': [(given) => breakTable(given, { nextRow: 0 }), 'row ids are not used again'],
  'a snapshot skips the one before it': [(given) => breakTable(given, { parentId: 1 }), 'a snapshot follows the one before it'],
  'a snapshot is not the newest of its table': [
    ({ outcome }) => set(outcome.commit, { snapshots: outcome.commit.snapshots.map((snapshot) => ({ ...snapshot })) }),
    'snapshots are the newest of their tables',
  ],
  'a file has an id that was given before': [
    (given, before) => breakTable(given, {}, { files: [{ fileId: before.nextFileId - 1, kind: 'staged', rowCount: 0 }] }),
    'the id of a new file is new',
  ],
  'file ids go back': [({ state }) => set(state, { nextFileId: 0 }), 'file ids ascend'],
  'the hash is that of another commit': [
    ({ state }, before) => set(state, { hash: before.hash }),
    "a commit's hash follows from the one before it",
  ],
  'the record is not what is hashed': [
    ({ puts }) => {
      const record = puts.find(({ key }) => key[0] === 0x63);
      if (record?.value == null) throw new Error('there is no record of the commit');
      record.value = Buffer.from(record.value);
      record.value[0] = (record.value[0] ?? 0) ^ 1;
    },
    "a commit's hash follows from the one before it",
  ],
  'the record is not written': [({ puts }) => void puts.splice(0), 'a commit writes its record'],
  'a table is gone': [({ state }) => set(state, { tables: state.tables.slice(0, 1) }), 'tables are never taken out of the catalog'],
};

interface Seam {
  readonly apply: typeof apply;
  /** Breaks what the next entry gives. */
  next: ((given: Broken, before: CatalogState) => void) | undefined;
}

function seam(): Seam {
  const made: Seam = {
    next: undefined,
    apply: (state, entry, timestampMs, lookups) => {
      const applied = apply(state, entry, timestampMs, lookups);
      if (made.next === undefined) return applied;
      const given = copied(applied);
      made.next(given, state);
      return given;
    },
  };
  return made;
}

async function filled(engine: Engine): Promise<void> {
  await engine.createTable({ name: 't', columns: [{ name: 'id', type: 'INT' }] });
  await engine.append('t', [{ id: 1 }]);
}

const ids = async (engine: Engine): Promise<unknown[]> => (await rowsAsOf(engine, 't', { kind: 'newest' })).map(({ id }) => id);

describe('what apply gives is checked before it is written', () => {
  it.each(Object.entries(BROKEN))('%s: nothing is acknowledged or written, writing stops, reads go on', async (_what, [broken, what]) => {
    const directory = await temporaryDirectory();
    const made = seam();
    const clock = new ManualClock(1_000_000);
    const engine = await openEngine({ directory, clock }, { apply: made.apply });
    await filled(engine);
    clock.advance(1_000);
    made.next = broken;
    // Entries of one round: what shares it with the broken one is refused too.
    const errors = await Promise.all([failureOf(engine.append('t', [{ id: 2 }])), failureOf(engine.append('t', [{ id: 3 }]))]);
    made.next = undefined;
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'READ_ONLY' });
      expect(error.message).toContain(what);
    }
    expect(engine.headSnapshotId).toBe(2);
    expect(engine.writeTrouble?.error).toMatchObject({ code: 'READ_ONLY' });
    // It stays so, though apply would be right again.
    const later = await failureOf(engine.append('t', [{ id: 3 }]));
    expect(later).toMatchObject({ code: 'READ_ONLY' });
    expect(later.message).toContain(what);
    expect((await failureOf(engine.compact())).message).toContain(what);
    expect(await ids(engine)).toEqual([1]);
    await engine.close();
    // Everything that was acknowledged is there, nothing else, and commits are taken again.
    const again = await openEngine({ directory, clock });
    expect(await ids(again)).toEqual([1]);
    await again.append('t', [{ id: 4 }]);
    expect(await ids(again)).toEqual([1, 4]);
    expect((await again.verify()).findings).toEqual([]);
    await again.close();
  });

  it('an error that apply throws otherwise refuses its round, and no more', async () => {
    const engine = await openEngine(
      { directory: await temporaryDirectory() },
      {
        apply: (state, entry, timestampMs, lookups) => {
          if (entry.kind === 'commit' && entry.message === 'bad') throw new TypeError('something else');
          return apply(state, entry, timestampMs, lookups);
        },
      },
    );
    await filled(engine);
    expect((await failureOf(engine.append('t', [{ id: 2 }], { message: 'bad' }))).message).toBe('something else');
    await engine.append('t', [{ id: 3 }]);
    expect(await ids(engine)).toEqual([1, 3]);
    await engine.close();
  });

  it('a flush that would lose a row is refused, and writing stops', async () => {
    let isBroken = true;
    const engine = await openEngine(
      { directory: await temporaryDirectory() },
      {
        apply: (state, entry, timestampMs, lookups) => {
          const applied = apply(state, entry, timestampMs, lookups);
          const table = applied.state.tables[1];
          if (entry.kind !== 'rewrite' || table === undefined || !isBroken) return applied;
          isBroken = false;
          const tables = applied.state.tables.slice();
          tables[1] = { ...table, files: table.files.map((file) => ({ ...file, rowCount: file.rowCount - 1 })) };
          return { ...applied, state: { ...applied.state, tables } };
        },
      },
    );
    await filled(engine);
    expect((await failureOf(engine.compact())).message).toContain('maintenance keeps every row');
    expect((await failureOf(engine.append('t', [{ id: 2 }]))).code).toBe('READ_ONLY');
    expect(await ids(engine)).toEqual([1]);
    await engine.close();
  });
});

describe('an entry is checked where it is handed to the log', () => {
  const options = { message: null, author: null, properties: null, idempotencyKey: null, expectedSnapshotId: null, expectedRows: null };
  const right: RowsChange = {
    kind: 'rows',
    tableId: 1 as RowsChange['tableId'],
    operation: 'UPDATE',
    schemaVersion: 1,
    base: null,
    insertedRows: 1,
    updatedRows: 1,
    deletedRows: 1,
    newRows: 1,
    hot: { bytes: Buffer.alloc(0), newRows: 1, versionRows: [7] },
    files: [],
    ends: [{ fileId: 1 as never, rows: Float64Array.of(7, 8), froms: Float64Array.of(1, 1), whole: false }],
    keys: NO_KEYS,
    changes: null,
    proof: { root: Buffer.alloc(32), seed: Buffer.alloc(16), versions: 2 } as never,
  };

  it.each<[string, Partial<RowsChange>]>([
    ['a row without a version', { insertedRows: 2 }],
    ['an update without a version', { updatedRows: 2 }],
    ['a deletion of nothing', { deletedRows: 2 }],
    ['more new rows than are inserted', { newRows: 2 }],
    [
      'a deleted version of no commit',
      { ends: [{ fileId: 1 as never, rows: Float64Array.of(7, 8), froms: Float64Array.of(1), whole: false }] },
    ],
  ])('%s: its writer alone gets the error', async (_what, wrong) => {
    const log = new LocalLog({ isMeasured: false });
    const entry = (change: RowsChange) => commitEntry([change], options, '', 0);
    const error = await failureOf(log.append(entry({ ...right, ...wrong })));
    expect(error.message).toContain('invariant broken');
    void log.append(entry(right));
    expect(await log.follow()).toHaveLength(1);
  });
});
