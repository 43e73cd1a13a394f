/** The one rule of createTable where there is a table of the name: apply goes by it, and the evaluation of a commit before it. */
import type { ErrorData } from './errors.ts';
import { type NewTable, sameColumns } from './schema.ts';

/** @returns undefined where the table that there is will do */
export function refusedBy(
  existing: Pick<NewTable, 'graphqlName' | 'schema'>,
  wanted: NewTable,
  ifExists: 'ERROR' | 'IGNORE',
): ErrorData | undefined {
  if (ifExists === 'ERROR') return tableExists(wanted.name);
  if (sameColumns(existing.schema, wanted.schema) && existing.graphqlName === wanted.graphqlName) return undefined;
  return {
    code: 'SCHEMA_MISMATCH',
    message: `there is a table ${wanted.name} already, with other columns, another primary key or another graphqlName`,
    details: { table: wanted.name },
    hint: `Compare with table(name: "${wanted.name}") { columns { name type required } primaryKey graphqlName }.`,
  };
}

export function tableExists(name: string): ErrorData {
  return {
    code: 'TABLE_EXISTS',
    message: `there is a table ${name} already`,
    details: { table: name },
    hint: 'Choose another name, or use ifExists: IGNORE to get the existing table.',
  };
}
