/**
 * prepare: everything about a commit that needs no order, done in parallel: rows checked, keys hashed, small batches
 * encoded, large ones written to a durable file. What comes out is a log entry.
 */
import { createHash } from 'node:crypto';
import { encodeTable } from '../catalog/records.ts';
import type { TableState } from '../catalog/state.ts';
import type { Staging } from '../data/staging.ts';
import { type AppendChange, type CommitEntry, ENTRY_FORMAT, type StagedFile, type TableChange } from '../log/entry.ts';
import { ENTRY_OVERHEAD_BYTES, entryId } from '../log/entry-id.ts';
import { ByteWriter } from '../model/bytes.ts';
import { encodeHotRows, writeRows } from '../model/codec.ts';
import { asSnapshotId, asTimestampMs } from '../model/ids.ts';
import { hashKeys } from '../model/keys.ts';
import { LIMITS, limitExceeded } from '../model/limits.ts';
import { checkRows, type RowForm } from '../model/rows.ts';
import type { NewTable } from '../model/schema.ts';
import type { Cells } from '../model/types.ts';
import type { CheckedOptions } from './options.ts';

/** Rows hashed in one piece where the content of a large batch is hashed. */
const HASH_PIECE_ROWS = 1000;

export interface PreparedAppend {
  readonly entry: CommitEntry;
  /** The file written for it, to be removed where the entry is refused. */
  readonly staged: StagedFile | undefined;
  readonly rows: readonly Cells[];
}

/**
 * @throws EngineError INVALID_ROW, LIMIT_EXCEEDED, STORAGE_FULL, OVERLOADED
 * @returns undefined where there are no rows: nothing to commit
 */
export async function prepareAppend(
  staging: Staging,
  table: TableState,
  { rows, form, options }: { readonly rows: readonly unknown[]; readonly form: RowForm; readonly options: CheckedOptions },
): Promise<PreparedAppend | undefined> {
  if (rows.length > LIMITS.rowsPerCommitMax) {
    throw limitExceeded('rowsPerCommitMax', LIMITS.rowsPerCommitMax, rows.length, 'Send the rows in several commits.');
  }
  const checked = checkRows(table.schema, rows, form);
  if (checked.length === 0) return undefined;
  const keyHashes = hashKeys(table.schema, checked.length, (index) => checked[index] as Cells, 'schema');
  const hot = encodeHotRows(table.schema, checked, LIMITS.hotCommitBytesMax);
  const base = { kind: 'append', tableId: table.id, schemaVersion: table.schema.version, rowCount: checked.length, keyHashes } as const;
  const content = options.idempotencyKey === null ? '' : hashContent(table, checked);
  if (hot !== undefined) {
    const change: AppendChange = { ...base, rows: { kind: 'hot', bytes: hot } };
    return { entry: commitEntry(change, options, content, hot.length + keyHashes.length * 48), staged: undefined, rows: checked };
  }
  const file = await staging.stageRows(table.id, table.schema, checked);
  const change: AppendChange = { ...base, rows: { kind: 'file', file } };
  return { entry: commitEntry(change, options, content, keyHashes.length * 48), staged: file, rows: checked };
}

/** An append of a file that is staged already. */
export function prepareFileAppend(table: TableState, file: StagedFile, keyHashes: readonly Buffer[], options: CheckedOptions): CommitEntry {
  const change: AppendChange = {
    kind: 'append',
    tableId: table.id,
    schemaVersion: table.schema.version,
    rowCount: file.rowCount,
    rows: { kind: 'file', file },
    keyHashes,
  };
  return commitEntry(change, options, file.sha256.slice(0, 32), keyHashes.length * 48);
}

export function prepareCreate(table: NewTable, ifExists: 'ERROR' | 'IGNORE', options: CheckedOptions): CommitEntry {
  const content = createHash('sha256')
    .update('create:')
    .update(encodeTable({ ...table, schemas: [table.schema], createdSnapshotId: asSnapshotId(0), createdAtMs: asTimestampMs(0) }))
    .update(ifExists)
    .digest('hex')
    .slice(0, 32);
  return commitEntry({ kind: 'create', table, ifExists }, options, content, 1024 + table.schema.columns.length * 64);
}

function commitEntry(change: TableChange, options: CheckedOptions, content: string, bytes: number): CommitEntry {
  return {
    kind: 'commit',
    format: ENTRY_FORMAT,
    id: entryId(),
    bytes: bytes + ENTRY_OVERHEAD_BYTES + (options.message?.length ?? 0) + (options.properties?.length ?? 0),
    change,
    author: options.author,
    message: options.message,
    properties: options.properties,
    idempotency: options.idempotencyKey === null ? null : { key: options.idempotencyKey, content },
    expectedSnapshotId: options.expectedSnapshotId,
  };
}

/** First 16 bytes of SHA-256 over the table and the encoded rows, hex. */
function hashContent(table: TableState, rows: readonly Cells[]): string {
  const hash = createHash('sha256').update(`append:${table.id}:${rows.length}:`);
  for (let start = 0; start < rows.length; start += HASH_PIECE_ROWS) {
    const writer = new ByteWriter(4096);
    writeRows(writer, table.schema.columns, rows, start, Math.min(start + HASH_PIECE_ROWS, rows.length));
    hash.update(writer.finish());
  }
  return hash.digest('hex').slice(0, 32);
}
