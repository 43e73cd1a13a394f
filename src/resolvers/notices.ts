/** What of a commit is right but may surprise: names that are others in the typed API. */
import { type CommitResult, defaultColumnGraphqlName, defaultTableGraphqlName, type Table, type TableSchema } from '../engine/index.ts';
import type { Context } from './context.ts';

/** A name that was chosen surprises nobody. A table that the typed API has to leave out does. */
export async function noticesOf(
  { session, notices }: Context,
  { commit, snapshots }: Pick<CommitResult, 'commit' | 'snapshots'>,
): Promise<string[]> {
  if (commit === null) return [];
  const found: string[] = [];
  for (const { tableId, snapshotId, schemaVersion } of snapshots) {
    const table = session.tableById(tableId);
    const at = table?.schemas.findIndex(({ version }) => version === schemaVersion) ?? -1;
    const schema = table?.schemas[at];
    if (table === undefined || schema === undefined || schema.since !== snapshotId) continue;
    if (at === 0) found.push(...tableNotices(table));
    found.push(...columnNotices(table, schema, table.schemas[at - 1]), ...(await notices(tableId)));
  }
  return found;
}

function tableNotices({ name, graphqlName }: Table): string[] {
  if (graphqlName === name || graphqlName !== defaultTableGraphqlName(name)) return [];
  return [`In the typed API table ${name} is ${graphqlName}, since the API needs the name ${name} itself. The generic API keeps the name.`];
}

/** Columns that came or were renamed. */
function columnNotices(table: Table, { columns }: TableSchema, before: TableSchema | undefined): string[] {
  return columns.flatMap(({ fieldId, name, graphqlName }) => {
    const known = before?.columns.find((column) => column.fieldId === fieldId);
    if (known?.name === name || graphqlName === name || graphqlName !== defaultColumnGraphqlName(name)) return [];
    return [
      `In the typed API column ${name} of table ${table.name} is ${graphqlName}, since the API needs the name ${name} itself. The generic API keeps the name.`,
    ];
  });
}
