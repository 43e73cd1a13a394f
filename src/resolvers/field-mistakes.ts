/** A field or argument that is not there: what there is instead. Tables and columns are named, since they are what is misspelt. */
import {
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLField,
  getNamedType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import { byKeyField, changesField, didYouMean, EngineError, listed, ROW_OPERATIONS, type RowKind } from '../engine/index.ts';
import type { TableTypes, TypedTable } from './table-types.ts';

/** A message and what to do. */
function said(message: string, hint: string, details: Record<string, unknown> = {}): EngineError {
  return new EngineError('BAD_USER_INPUT', message, { details, hint });
}

export function unknownField(types: TableTypes, parent: GraphQLCompositeType, { name: { value: name } }: FieldNode): EngineError {
  const fields = isObjectType(parent) || isInterfaceType(parent) ? Object.keys(parent.getFields()) : [];
  switch (parent.name) {
    case 'CatalogView':
    case 'CatalogDiff':
      return noTable(types, name, parent.name === 'CatalogView' ? byKeyOf(types, name) : undefined);
    case 'Query':
      return noQuery(types, name, fields);
    case 'Mutation':
      return noMutation(types, name, fields);
    case 'Subscription':
      return noSubscription(types, name, fields);
    default:
      return noField(types, parent.name, name, fields);
  }
}

function noTable(types: TableTypes, name: string, other?: EngineError): EngineError {
  if (other !== undefined) return other;
  const tables = types.tables.map(({ table }) => table.graphqlName);
  if (tables.length === 0)
    return said(`there is no table ${name}: there is none yet`, 'Create one with the mutation createTable.', { tables });
  return said(`there is no table ${name}`, `${didYouMean(name, tables)}The tables are ${listed(tables)}.`, { tables: tables.slice(0, 20) });
}

/** `ordersByKey` of a table without a primary key. */
function byKeyOf(types: TableTypes, name: string): EngineError | undefined {
  const typed = types.tables.find(({ table }) => byKeyField(table.graphqlName) === name);
  return typed === undefined
    ? undefined
    : said(`table ${typed.table.name} has no primary key, so there is no ${name}`, `Use ${typed.table.graphqlName}(where: {...}).`);
}

function noQuery(types: TableTypes, name: string, fields: readonly string[]): EngineError {
  const tables = types.tables.map(({ table }) => table.graphqlName);
  const typed = types.tables.find(({ table }) => table.graphqlName === name || byKeyField(table.graphqlName) === name);
  if (typed !== undefined)
    return said(`${name} does not stand at the top`, `Rows are read at an instant: { asOf { ${name} { ... } } } is the present.`);
  const near = didYouMean(name, [...fields, ...tables], (found) => (fields.includes(found) ? found : `asOf { ${found} { ... } }`));
  const where = tables.length === 0 ? 'There is no table yet.' : `Tables stand under asOf; they are ${listed(tables)}.`;
  return said(`there is no field ${name} in Query`, `${near}${where}`);
}

const VERBS = Object.keys(ROW_OPERATIONS) as RowKind[];

function noMutation(types: TableTypes, name: string, fields: readonly string[]): EngineError {
  const verb = VERBS.find((candidate) => name.startsWith(candidate) && name.length > candidate.length);
  if (verb === undefined) return said(`there is no mutation ${name}`, `${didYouMean(name, fields)}GraphiQL and /schema.graphql list them.`);
  const rest = name.slice(verb.length);
  const typed = types.tables.find(({ prefix }) => prefix === rest);
  if (typed !== undefined)
    return said(
      `table ${typed.table.name} has no primary key, so there is no ${name}`,
      `Use append${rest}, or ${ROW_OPERATIONS[verb].isByKey ? `update${rest}` : verb}.`,
    );
  const tables = types.tables.map(({ prefix }) => prefix);
  if (tables.length === 0) return said(`there is no table for ${name}: there is none yet`, 'Create one with the mutation createTable.');
  const all = types.tables.map(({ prefix }) => `${verb}${prefix}`);
  return said(
    `there is no table for ${name}`,
    `${didYouMean(rest, tables, (found) => `${verb}${found}`)}The mutations of this kind are ${listed(all)}.`,
  );
}

function noSubscription(types: TableTypes, name: string, fields: readonly string[]): EngineError {
  const own = fields.filter((field) => types.tables.every(({ table }) => changesField(table.graphqlName) !== field));
  const typed = types.tables.find(({ table }) => table.graphqlName === name);
  if (typed !== undefined)
    return said(
      `there is no subscription ${name}`,
      `Use ${changesField(name)} for its row changes, or live { ${name} { ... } } for its rows.`,
    );
  return said(
    `there is no subscription ${name}`,
    `${didYouMean(name, fields)}There are ${listed([...own, ...fields.filter((field) => !own.includes(field))])}.`,
  );
}

/** What the names of a table's types end in where their fields are its columns. */
const COLUMN_TYPES = /^(?:Row|GroupKey|Sum|Avg|Min|Max|CountDistinct)$/;

function tableOfType(types: TableTypes, typeName: string): TypedTable | undefined {
  return types.tables.find(({ prefix }) => typeName.startsWith(prefix) && COLUMN_TYPES.test(typeName.slice(prefix.length)));
}

function noField(types: TableTypes, parent: string, name: string, fields: readonly string[]): EngineError {
  const typed = tableOfType(types, parent);
  if (typed !== undefined) {
    const columns = fields.filter((field) => field !== 'id' && !field.startsWith('_'));
    const own = typed.table.schema.columns.find((column) => column.name === name);
    const here = columns.find((column) => column === own?.graphqlName);
    const nearest = here === undefined ? didYouMean(name, columns) : `Column ${name} is called ${here} here. `;
    const what = parent === `${typed.prefix}Row` ? `table ${typed.table.name} has no column ${name}` : `there is no ${name} in ${parent}`;
    return said(what, `${nearest}The columns are ${listed(columns)}.`, { columns: columns.slice(0, 20) });
  }
  const inNodes = fields.includes('nodes') && fields.includes('pageInfo') ? `What is listed stands under nodes: nodes { ${name} }. ` : '';
  return said(`there is no field ${name} in ${parent}`, `${didYouMean(name, fields)}${inNodes}Its fields are ${listed(fields)}.`);
}

/** The arguments that a field must have and has not been given, each as GraphQL refuses it: what it is. */
export function missingArguments(definition: GraphQLField<unknown, unknown>, { arguments: given = [] }: FieldNode): EngineError[] {
  const missing = definition.args.filter((one) => isRequiredArgument(one) && !given.some(({ name }) => name.value === one.name));
  return missing.map(({ name, type, description }) => {
    const all = getNamedType(type).name.endsWith('Filter') ? ` For every row write ${name}: {and: []}.` : '';
    return said(`${definition.name} needs the argument ${name}`, `Give ${name}: ${type}${firstSentence(description)}.${all}`);
  });
}

function firstSentence(description: string | null | undefined): string {
  const [sentence = ''] = description?.split(/[.;](?:\s|$)/) ?? [];
  return sentence === '' ? '' : ` (${sentence})`;
}

export function unknownArgument({ name, args }: GraphQLField<unknown, unknown>, argument: string): EngineError {
  const names = args.map((one) => one.name);
  const hint = names.length === 0 ? 'It takes none.' : `${didYouMean(argument, names)}It takes ${listed(names)}.`;
  return said(`${name} takes no argument ${argument}`, hint);
}
