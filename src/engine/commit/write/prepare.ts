/**
 * prepare: everything about a commit that needs no order, done in parallel: rows checked, keys hashed, roots computed,
 * small batches encoded, large ones written to a durable file. What comes out is a log entry.
 */
import { createHash } from 'node:crypto';
import type { TableState } from '../../catalog/state.ts';
import { nextTurn } from '../../data/load-rows.ts';
import type { Staging } from '../../data/staging.ts';
import { ByteWriter } from '../../encoding/bytes.ts';
import { encodeHotRows, writeRows } from '../../encoding/codec.ts';
import { hashKeys } from '../../encoding/key-hash.ts';
import { newSeed, RootBuilder } from '../../encoding/proof.ts';
import { type CommitEntry, ENTRY_FORMAT, type KeyChanges, type RowsChange, type StagedFile, type TableChange } from '../../log/entry.ts';
import { ENTRY_OVERHEAD_BYTES, entryId } from '../../log/entry-id.ts';
import type { RowsProof } from '../../model/history.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';
import { checkRows, type RowForm } from '../../model/rows.ts';
import type { Cells, Column } from '../../model/types.ts';
import type { CheckedOptions } from './options.ts';

/** Rows hashed in one piece where the content of a large batch is hashed. */
const HASH_PIECE_ROWS = 1000;

export interface PreparedAppend {
  readonly entry: CommitEntry;
  /** The file written for it, to be removed where the entry is refused. */
  readonly staged: StagedFile | undefined;
  readonly rows: readonly Cells[];
}

/** A key index that stays as it is. */
export const NO_KEYS: KeyChanges = { inserted: [], moved: [], removed: [] };

/** @throws EngineError LIMIT_EXCEEDED */
export function checkBatchSize(rows: readonly unknown[]): void {
  if (rows.length > LIMITS.rowsPerCommitMax)
    throw limitExceeded('rowsPerCommitMax', LIMITS.rowsPerCommitMax, rows.length, 'Send the rows in several commits.');
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
  checkBatchSize(rows);
  const checked = checkRows(table.schema, rows, form);
  if (checked.length === 0) return undefined;
  const keyHashes = hashKeys(table.schema, checked.length, (index) => checked[index] as Cells, 'schema');
  const hot = encodeHotRows(table.schema, checked, LIMITS.hotCommitBytesMax);
  const proof = await proofOf(table.schema.columns, checked);
  const content = options.idempotencyKey === null ? '' : hashContent(table, checked);
  const bytes = (hot?.length ?? 0) + keyHashes.length * 48;
  if (hot !== undefined) {
    const change = appendChange(table, { rowCount: checked.length, keyHashes, proof, hot, file: undefined });
    return { entry: commitEntry([change], options, content, bytes), staged: undefined, rows: checked };
  }
  const file = await staging.stageRows(table.id, table.schema, checked);
  const change = appendChange(table, { rowCount: checked.length, keyHashes, proof, hot: undefined, file });
  return { entry: commitEntry([change], options, content, bytes), staged: file, rows: checked };
}

function appendChange(
  table: TableState,
  parts: {
    readonly rowCount: number;
    readonly keyHashes: readonly Buffer[];
    readonly proof: RowsProof;
    readonly hot: Buffer | undefined;
    readonly file: StagedFile | undefined;
  },
): RowsChange {
  return {
    kind: 'rows',
    tableId: table.id,
    operation: 'APPEND',
    schemaVersion: table.schema.version,
    base: null,
    insertedRows: parts.rowCount,
    updatedRows: 0,
    deletedRows: 0,
    newRows: parts.rowCount,
    hot: parts.hot === undefined ? null : { bytes: parts.hot, newRows: parts.rowCount, versionRows: [] },
    files: parts.file === undefined ? [] : [{ file: parts.file, kind: 'staged', rowLo: 0, rowHi: 0 }],
    ends: [],
    keys: { inserted: parts.keyHashes, moved: [], removed: [] },
    changes: null,
    proof: parts.proof,
  };
}

/** Rows hashed in one turn of the event loop. */
const PROOF_ROWS_PER_TURN = 2_000;

/** The root over rows that a commit brings, in the order of their identities. */
async function proofOf(columns: readonly Column[], rows: readonly Cells[]): Promise<RowsProof> {
  const root = new RootBuilder(newSeed(), columns);
  await addRows(root, rows);
  return root.finish();
}

export async function addRows(root: RootBuilder, rows: readonly Cells[]): Promise<void> {
  for (let start = 0; start < rows.length; start += PROOF_ROWS_PER_TURN) {
    if (start > 0) await nextTurn();
    for (let at = start; at < Math.min(start + PROOF_ROWS_PER_TURN, rows.length); at += 1) root.add(rows[at] as Cells);
  }
}

/** An append of a file that is staged already. */
export function prepareFileAppend(
  table: TableState,
  { file, proof }: { readonly file: StagedFile; readonly proof: RowsProof },
  keyHashes: readonly Buffer[],
  options: CheckedOptions,
): CommitEntry {
  const change = appendChange(table, { rowCount: file.rowCount, keyHashes, proof, hot: undefined, file });
  return commitEntry([change], options, file.sha256.slice(0, 32), keyHashes.length * 48);
}

export function commitEntry(changes: readonly TableChange[], options: CheckedOptions, content: string, bytes: number): CommitEntry {
  return {
    kind: 'commit',
    format: ENTRY_FORMAT,
    id: entryId(),
    bytes: bytes + ENTRY_OVERHEAD_BYTES + (options.message?.length ?? 0) + (options.properties?.length ?? 0),
    changes,
    author: options.author,
    message: options.message,
    properties: options.properties,
    idempotency: options.idempotencyKey === null ? null : { key: options.idempotencyKey, content },
    expectedSnapshotId: options.expectedSnapshotId,
    expectedRows: options.expectedRows,
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
