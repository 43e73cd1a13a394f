/** The engine's metrics: what it tells while it works, and what it says of itself when it is asked. */
import {
  type EngineObserver,
  type EngineStatistics,
  MAINTENANCE_OUTCOMES,
  MAINTENANCE_TASKS,
  OPERATIONS,
  QUERY_OUTCOMES,
} from '../../engine/index.ts';
import type { MetricRegistry } from './metric-registry.ts';

const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const QUERY_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const MAINTENANCE_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600];
const ROUND_COMMITS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const DIRECTIONS = ['in', 'out'] as const;

export function engineObserver(metrics: MetricRegistry): EngineObserver {
  const { onCommit, onRound } = commitMetrics(metrics);
  return { onCommit, onRound, onQuery: queryMetrics(metrics), onMaintenance: maintenanceMetrics(metrics) };
}

function commitMetrics(metrics: MetricRegistry): Pick<EngineObserver, 'onCommit' | 'onRound'> {
  const durations = metrics.histogram({
    name: 'commit_duration_seconds',
    help: 'Time of a commit from its place in the log to its acknowledgement, without its preparation.',
    buckets: COMMIT_SECONDS,
  });
  const operations = metrics.counter({
    name: 'commit_operations_total',
    help: 'Operations committed, one for each table that a commit changed.',
    labels: { operation: OPERATIONS },
  });
  const rows = metrics.counter({
    name: 'commit_rows_total',
    help: 'Rows committed.',
    labels: { change: ['inserted', 'updated', 'deleted'] },
  });
  const bytes = metrics.counter({ name: 'commit_bytes_total', help: 'Bytes of encoded rows committed, inside commits and as files.' });
  const rounds = metrics.histogram({
    name: 'commit_round_commits',
    help: 'Commits made durable by one synced write.',
    buckets: ROUND_COMMITS,
  });
  const writes = metrics.histogram({
    name: 'commit_write_duration_seconds',
    help: 'Time of a synced write of the catalog, of commits or of maintenance.',
    buckets: COMMIT_SECONDS,
  });
  return {
    onCommit: ({ commit, durationMs, bytes: encoded }) => {
      durations.observe(durationMs / 1000);
      bytes.inc(encoded);
      for (const { operation, insertedRows, updatedRows, deletedRows } of commit.snapshots) {
        operations.inc({ operation });
        if (insertedRows > 0) rows.inc({ change: 'inserted' }, insertedRows);
        if (updatedRows > 0) rows.inc({ change: 'updated' }, updatedRows);
        if (deletedRows > 0) rows.inc({ change: 'deleted' }, deletedRows);
      }
    },
    onRound: ({ commits, writeMs }) => {
      if (commits > 0) rounds.observe(commits);
      writes.observe(writeMs / 1000);
    },
  };
}

function queryMetrics(metrics: MetricRegistry): EngineObserver['onQuery'] {
  const durations = metrics.histogram({
    name: 'query_duration_seconds',
    help: 'Time that DuckDB worked on a scan, a load or a file.',
    labels: { outcome: QUERY_OUTCOMES },
    buckets: QUERY_SECONDS,
  });
  const waits = metrics.histogram({
    name: 'query_wait_seconds',
    help: 'Time that a query waited for a connection to DuckDB.',
    buckets: QUERY_SECONDS,
  });
  return ({ outcome, waitMs, runMs }) => {
    durations.observe({ outcome }, runMs / 1000);
    waits.observe(waitMs / 1000);
  };
}

function maintenanceMetrics(metrics: MetricRegistry): EngineObserver['onMaintenance'] {
  const durations = metrics.histogram({
    name: 'maintenance_duration_seconds',
    help: 'Time of a maintenance task that had something to do; refused: a commit came between.',
    labels: { task: MAINTENANCE_TASKS, outcome: MAINTENANCE_OUTCOMES },
    buckets: MAINTENANCE_SECONDS,
  });
  const labels = { task: MAINTENANCE_TASKS };
  const rows = metrics.counter({ name: 'maintenance_rows_total', help: 'Row versions rewritten, or erased rows.', labels });
  const moving = { ...labels, direction: DIRECTIONS };
  const files = metrics.counter({
    name: 'maintenance_files_total',
    help: 'Data files that maintenance took in and put out.',
    labels: moving,
  });
  const bytes = metrics.counter({
    name: 'maintenance_bytes_total',
    help: 'Bytes of hot rows and data files that maintenance took in and put out.',
    labels: moving,
  });
  const snapshots = metrics.counter({ name: 'expired_snapshots_total', help: 'Snapshots that expired.' });
  return (figures) => {
    const { task, outcome, durationMs } = figures;
    durations.observe({ task, outcome }, durationMs / 1000);
    // Part of an expiry stays done where the rest is refused; nothing of other tasks does.
    snapshots.inc(figures.snapshots);
    if (outcome !== 'ok') return;
    rows.inc({ task }, figures.rows);
    files.inc({ task, direction: 'in' }, figures.filesIn);
    files.inc({ task, direction: 'out' }, figures.filesOut);
    bytes.inc({ task, direction: 'in' }, figures.bytesIn);
    bytes.inc({ task, direction: 'out' }, figures.bytesOut);
  };
}

/** What is read from the engine's statistics, by the figure's name there. */
const GAUGES = {
  headSnapshotId: ['head_snapshot_id', 'The newest snapshot.'],
  tables: ['tables', 'Tables that are not dropped.'],
  tags: ['tags', 'Tags.'],
  hotRows: ['hot_rows', 'Rows of small commits that no flush has taken yet.'],
  hotBytes: ['hot_bytes', 'Encoded bytes of hot rows.'],
  hotRowsOfTableMax: ['hot_rows_table_max', 'Hot rows of the table that has most.'],
  hotBytesOfTableMax: ['hot_bytes_table_max', 'Hot bytes of the table that has most.'],
  dataFiles: ['data_files', 'Data files.'],
  dataFileBytes: ['data_file_bytes', 'Bytes of data files.'],
  looseEnds: ['loose_ends', 'Delete vectors: deleted versions that wait for compaction.'],
  looseEndsOfTableMax: ['loose_ends_table_max', 'Delete vectors of the table that has most.'],
  pins: ['pins', 'Reads under way.'],
  retired: ['retired', 'Replaced files and hot rows that wait until no read needs them.'],
  leases: ['leases', 'Snapshots that expiry leaves to queries and cursors.'],
  mirrors: ['mirrors', 'Tables of hot rows in DuckDB.'],
  mirrorRows: ['mirror_rows', 'Rows of tables of hot rows in DuckDB.'],
  queriesRunning: ['queries_running', 'Queries that have a connection to DuckDB.'],
  queriesWaiting: ['queries_waiting', 'Queries that wait for a connection to DuckDB.'],
  pendingEntries: ['pending_entries', 'Log entries that wait to be written.'],
  pendingBytes: ['pending_bytes', 'Bytes of log entries that wait to be written.'],
  cacheBytes: ['cache_bytes', 'Memory of decoded rows.'],
  writeFailed: ['write_failed', '1 while no commit is taken: the catalog cannot be written, or the disk is nearly full.'],
} as const satisfies Record<keyof EngineStatistics, readonly [name: string, help: string]>;

/** @returns what brings the gauges up to date */
export function engineGauges(metrics: MetricRegistry): (statistics: EngineStatistics) => void {
  const gauges = Object.entries(GAUGES).map(
    ([figure, [name, help]]) => [figure as keyof EngineStatistics, metrics.gauge({ name, help })] as const,
  );
  return (statistics) => {
    for (const [figure, gauge] of gauges) gauge.set(Number(statistics[figure]));
  };
}
