/**
 * INVALID_ROW for the typed door: where GraphQL refuses a typed `rows` variable, it stops at type errors and names no row
 * as the contract does; the table's own row checker, run over the raw variable, names every bad row.
 */
import { type DocumentNode, Kind, type OperationDefinitionNode, type TypeNode } from 'graphql';
import { checkPartialRows, checkRows, EngineError } from '../engine/index.ts';
import type { Context } from './context.ts';

function namedType(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);
}

function isList(type: TypeNode): boolean {
  return type.kind === Kind.LIST_TYPE || (type.kind === Kind.NON_NULL_TYPE && isList(type.type));
}

function operationOf(document: DocumentNode, name: string | null | undefined): OperationDefinitionNode | undefined {
  const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  return name == null ? operations[0] : operations.find((operation) => operation.name?.value === name);
}

/** The error of the first `rows` variable with bad rows; undefined where GraphQL refused something else. */
export function invalidRowsOf(
  context: Context,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): EngineError | undefined {
  for (const definition of operationOf(document, operationName)?.variableDefinitions ?? []) {
    const name = namedType(definition.type);
    const value = variables?.[definition.variable.name.value];
    if (value === undefined || value === null) continue;
    const rows = Array.isArray(value) ? value : [value];
    const [whole, patched] = [context.types.ofInputType(name), context.types.ofPatchType(name)];
    try {
      if (whole !== undefined) checkRows(whole.table.schema, rows, 'graphqlName');
      // The patch of an update is one; a list of them is an upsert's.
      if (patched !== undefined && isList(definition.type)) checkPartialRows(patched.table.schema, rows, 'graphqlName');
    } catch (error) {
      if (error instanceof EngineError) return error;
      throw error;
    }
  }
  return undefined;
}
