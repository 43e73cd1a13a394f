/** The public face of the engine: everything above it imports from here alone. */

export type { ExpireRequest, ExpireResult } from './administration.ts';
export type { TableState as Table } from './catalog/state.ts';
export type { WriteTrouble } from './catalog/write-phases.ts';
export type { Part } from './commit/write/operations/descriptor.ts';
export {
  type CommitOperation,
  ROW_OPERATIONS,
  type RowKind,
  type RowOperations,
  type TableOperations,
} from './commit/write/operations/index.ts';
export type { OnConflict } from './commit/write/operations/upsert.ts';
export type { CommitOptions } from './commit/write/options.ts';
export type { ChangedSince, RevertedTable } from './commit/write/revert.ts';
export { erasedTables, type RowCopies, type RowCopy } from './data/row-copies.ts';
export { Slots } from './data/slots.ts';
export { type CommitListener, Engine } from './engine.ts';
export type { EraseRequest } from './maintenance/erase.ts';
export type { Finding, VerifyReport } from './maintenance/verify.ts';
export type { ColumnChange, RetentionDefinition } from './model/alter.ts';
export { type Bound, Budget, MemoryPool, overloaded } from './model/budget.ts';
export { EngineError, type EngineErrorOptions, ERROR_CODES, type ErrorCode, type ErrorDetails } from './model/errors.ts';
export { exactNumber, InexactNumber, longNumbers } from './model/exact-numbers.ts';
export type { ColumnBounds, Commit, DataFile, Retention, Snapshot, Tag } from './model/history.ts';
export { asRowId, asSnapshotId, asTableId, type RowId, type SnapshotId, type TableId, type TimestampMs } from './model/ids.ts';
export { otherIncarnation } from './model/incarnation.ts';
export { isDeeper } from './model/json.ts';
export { LIMITS, limitExceeded } from './model/limits.ts';
export { foldName, isInherited } from './model/names.ts';
export { didYouMean, listed, nearest } from './model/nearest.ts';
export type { EngineNotice } from './model/notice.ts';
export {
  type CommitFigures,
  type EngineObserver,
  MAINTENANCE_OUTCOMES,
  MAINTENANCE_TASKS,
  type MaintenanceFigures,
  QUERY_OUTCOMES,
  type QueryFigures,
  type RoundFigures,
} from './model/observer.ts';
export { checkPartialRows, checkPatch, checkRows, type InvalidRow } from './model/rows.ts';
export type { ColumnDefinition, TableDefinition } from './model/schema.ts';
export { storageError } from './model/storage-error.ts';
export { formatTimestampMs, MAX_TIME_MS, MIN_TIME_MS, parseTimestampTz } from './model/time-text.ts';
export {
  byKeyField,
  changesField,
  defaultColumnGraphqlName,
  defaultTableGraphqlName,
  tableTypeName,
  typePrefix,
} from './model/typed-names.ts';
export {
  type Cell,
  COLUMN_TYPES,
  type Column,
  type ColumnType,
  isGroupable,
  isNumeric,
  isOrdered,
  OPERATIONS,
  type Operation,
  type TableSchema,
} from './model/types.ts';
export { meantInSeconds, parseCell, Refusal, show, toWire } from './model/values.ts';
export { openEngine } from './open.ts';
export type { EngineOptions } from './options.ts';
export { diffCursorTo } from './read/diff/change-cursor.ts';
export type { CommitChangesPage, CommitChangesQuery } from './read/diff/commit-changes.ts';
export type { DiffQuery, TableDiff } from './read/diff/diff.ts';
export type { ChangePage } from './read/diff/diff-page.ts';
export { CHANGE_KINDS, type ChangeKind, type RowChange } from './read/diff/row-changes.ts';
export type { IdRange, Instant } from './read/history.ts';
export type { AsOf } from './read/instants.ts';
export type { ManifestEntry } from './read/manifest.ts';
export {
  AGGREGATE_FUNCTIONS,
  type AggregateFunction,
  type AggregateQuery,
  type AggregateTerm,
  aggregateFits,
} from './read/pages/aggregate.ts';
export { cursorHead } from './read/pages/cursor.ts';
export type { Group, GroupPage, GroupsQuery } from './read/pages/groups.ts';
export { type PageArguments, pageSize, type RowPage, type RowsQuery } from './read/pages/page.ts';
export { bytesOfGroups, bytesOfRows } from './read/row-bytes.ts';
export type { CompareOperator, Filter, TextOperator } from './read/scan/filter.ts';
export type { Direction, Order } from './read/scan/order.ts';
export type { Row } from './read/scan/row.ts';
export type { TableAt } from './read/table-at.ts';
export type {
  ChangeResult,
  CommitResult,
  EraseResult,
  RestoreOptions,
  RestoreResult,
  RevertOptions,
  RevertResult,
} from './results.ts';
export { Session } from './session.ts';
export type { EngineStatistics } from './statistics.ts';
export { type Clock, systemClock } from './time/machine-clock.ts';
