/**
 * `tail -f` for a Tidemark server: a line for each commit, or with --table a line for each row that changes. Lost
 * connections are made again, and it goes on after the last line.
 */
import { parseArgs } from 'node:util';
import { createClient } from 'graphql-ws';
import { resumable, retryForever } from 'tidemark/client';
import WebSocket from 'ws';

const USAGE = `Usage: npm run example:tail -- [options]
  --url URL      the server; what SERVER says where not given, else http://127.0.0.1:4000
  --table NAME   row changes of one table instead of commits
  --after N      begin after this snapshot; 0 for all of history, what comes from now on where not given`;

const { url, table, after } = readOptions();

function readOptions(): { url: string; table?: string; after?: string } {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      options: { url: { ...text, default: process.env['SERVER'] ?? 'http://127.0.0.1:4000' }, table: text, after: text },
    });
    return values;
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

interface Summary {
  insertedRows: number;
  updatedRows: number;
  deletedRows: number;
}

interface Commits {
  snapshotCommitted: {
    snapshotId: number;
    commit: { timestamp: string; author: string | null; message: string | null };
    snapshots: { operation: string; table: { name: string }; summary: Summary }[];
  };
}

const COMMITS = `subscription Commits($after: SafeInt) {
  snapshotCommitted(after: $after) {
    snapshotId
    commit { timestamp author message }
    snapshots { operation table { name } summary { insertedRows updatedRows deletedRows } }
  }
}`;

interface Changes {
  changes: { cursor: string; snapshotId: number; changes: { kind: string; before: unknown; after: unknown }[] };
}

const CHANGES = `subscription Changes($table: String!, $after: String) {
  changes(table: $table, after: $after) {
    cursor
    snapshotId
    changes { kind before after }
  }
}`;

let isOver = false;
/** Whether it has been said that there is no connection. */
let isLost = false;

const socket = createClient({
  url: `${url.replace(/^http/, 'ws').replace(/\/$/, '')}/graphql`,
  webSocketImpl: WebSocket,
  ...retryForever,
  on: {
    connected: () => {
      isLost = false;
      console.error(`connected to ${url}`);
    },
    closed: (event) => {
      if (isOver || isLost) return;
      isLost = true;
      // 1006 is all that a socket says that did not come about.
      const { code, reason } = event as { code?: number; reason?: string };
      console.error(`no connection to ${url} (${[code, reason].filter(Boolean).join(' ')}), trying again`);
    },
  },
});
const client = resumable(socket);

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    isOver = true;
    void client.dispose();
  });

function refuse(errors: readonly { message: string }[]): never {
  console.error(errors.map(({ message }) => message).join('\n'));
  process.exit(1);
}

async function tailCommits(): Promise<void> {
  for await (const { data, errors } of client.iterate<Commits>({ query: COMMITS, variables: { after } })) {
    if (errors !== undefined || data == null) refuse(errors ?? []);
    const { snapshotId, commit, snapshots } = data.snapshotCommitted;
    const tables = snapshots.map(
      ({ operation, table: { name }, summary: { insertedRows, updatedRows, deletedRows } }) =>
        `${name} ${operation} +${insertedRows} ~${updatedRows} -${deletedRows}`,
    );
    const said = [commit.author, commit.message].filter((one) => one !== null).join(': ');
    console.log(`${commit.timestamp} #${snapshotId} ${tables.join(', ')}${said === '' ? '' : `  ${said}`}`);
  }
}

async function tailChanges(name: string): Promise<void> {
  for await (const { data, errors } of client.iterate<Changes>({ query: CHANGES, variables: { table: name, after } })) {
    if (errors !== undefined || data == null) refuse(errors ?? []);
    const { snapshotId, changes } = data.changes;
    for (const { kind, before, after: row } of changes)
      console.log(`#${snapshotId} ${kind} ${[before, row].flatMap((one) => (one === null ? [] : [JSON.stringify(one)])).join(' -> ')}`);
  }
}

try {
  await (table === undefined ? tailCommits() : tailChanges(table));
} catch (error) {
  // What the server refuses comes as a list of GraphQL errors.
  if (!isOver) refuse(Array.isArray(error) ? error : [{ message: String(error) }]);
}
