/**
 * The baseline of `append`: the very server that Tidemark is, compiled, on a catalog of its own, in which only the append
 * resolvers are replaced: they check the rows and answer with a made-up payload, without touching the engine. What is
 * left is HTTP, Yoga, its plugins and GraphQL. Plain JavaScript, so that nothing stands between Node and dist.
 */
process.env['UV_THREADPOOL_SIZE'] ??= '24';
const { checkRows } = await import('../../dist/engine/index.js');
const { SchemaProvider } = await import('../../dist/schema/index.js');
const { makeLogger, parseCommandLine, startServer } = await import('../../dist/server/index.js');

let snapshotId = 1000;

/** What an append of some rows to a table would answer. */
function payload(table, typed, cells) {
  snapshotId += 1;
  const timestampMs = Date.now();
  const snapshot = {
    ...table.last,
    snapshotId,
    timestampMs,
    operation: 'APPEND',
    insertedRows: cells.length,
    totalRows: snapshotId,
    nextRow: snapshotId,
  };
  const commit = { snapshotId, timestampMs, author: null, message: null, properties: null, hash: '', snapshots: [snapshot] };
  return {
    commit,
    snapshots: commit.snapshots,
    replayed: false,
    insertedRows: cells.length,
    updatedRows: 0,
    deletedRows: 0,
    view: { snapshotId, timestampMs },
    typed,
    rows: cells.map((row, index) => ({ rowId: snapshotId + index, fromSnapshotId: snapshotId, cells: row })),
  };
}

const replaced = new WeakSet();
const { current } = Object.getOwnPropertyDescriptors(SchemaProvider.prototype);
SchemaProvider.prototype.current = function () {
  const entry = current.value.call(this);
  if (replaced.has(entry)) return entry;
  replaced.add(entry);
  const fields = entry.schema.getMutationType().getFields();
  fields.append.resolve = async (_root, { table: name, rows }) => {
    const typed = entry.types.tables.find(({ table }) => table.name === name);
    return payload(typed.table, typed, checkRows(typed.table.schema, rows, 'name'));
  };
  for (const typed of entry.types.tables) {
    fields[`append${typed.prefix}`].resolve = async (_root, { rows }) =>
      payload(typed.table, typed, checkRows(typed.table.schema, rows, 'graphqlName'));
  }
  return entry;
};

const { config } = parseCommandLine(['--data', process.argv[2], '--port', '0'], {});
const logger = makeLogger(config, false);
const server = await startServer(config, logger);
logger.info({ url: server.url }, 'the append baseline serves');
process.once('SIGTERM', () => void server.stop());
