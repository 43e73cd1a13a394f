/**
 * GraphQL's refusals in words that help: which table, column, row or value is wrong, what there is, and the form that
 * works. GraphQL decides what is refused; looked into is only what it has refused. Bad rows of the typed API are
 * INVALID_ROW here, as they are in the generic API: the table's own row checker names every one.
 */
import {
  type ASTNode,
  type DocumentNode,
  GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  getOperationAST,
  isInputType,
  TypeInfo,
  typeFromAST,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { EngineError } from '../engine/index.ts';
import { engineErrorExtensions } from './errors.ts';
import { missingArguments, unknownArgument, unknownField } from './field-mistakes.ts';
import { givenLiteral, givenVariable } from './given.ts';
import { inputMistakes } from './input-mistakes.ts';
import type { TableTypes } from './table-types.ts';

interface Found {
  readonly node: ASTNode;
  readonly error: EngineError;
}

/** Errors of validation, each told by what is wrong in the document where that is known. */
export function explainedDocument(
  { schema, types }: { readonly schema: GraphQLSchema; readonly types: TableTypes },
  document: DocumentNode,
  errors: readonly GraphQLError[],
): GraphQLError[] {
  const found = mistakesIn(schema, types, document);
  const told = new Set<Found>();
  return errors.flatMap((error) => {
    const [node] = error.nodes ?? [];
    if (node === undefined) return [error];
    // Several values of one batch of rows are one error, which names all bad rows.
    const batch = found.find((one) => isBatch(one) && lies(node, one.node));
    const cause = batch ?? found.find((one) => one.node === node && !told.has(one));
    if (cause === undefined) return [error];
    const isTold = told.has(cause);
    told.add(cause);
    if (isBatch(cause)) {
      if (isTold) return [];
      return [new GraphQLError(cause.error.message, { nodes: cause.node, extensions: engineErrorExtensions(cause.error) })];
    }
    const { details, hint } = cause.error;
    const extensions = { ...error.extensions, details: { ...(error.extensions['details'] as object | undefined), ...details }, hint };
    return [new GraphQLError(cause.error.message, { nodes: error.nodes ?? null, extensions })];
  });
}

function isBatch({ error }: Found): boolean {
  return error.code === 'INVALID_ROW';
}

function lies(inner: ASTNode, outer: ASTNode): boolean {
  return inner.loc !== undefined && outer.loc !== undefined && inner.loc.start >= outer.loc.start && inner.loc.end <= outer.loc.end;
}

function mistakesIn(schema: GraphQLSchema, types: TableTypes, document: DocumentNode): Found[] {
  const found: Found[] = [];
  const typeInfo = new TypeInfo(schema);
  const visitor = visitWithTypeInfo(typeInfo, {
    Field: {
      enter: (field) => {
        const parent = typeInfo.getParentType();
        const definition = typeInfo.getFieldDef();
        if (parent != null && definition == null) found.push({ node: field, error: unknownField(types, parent, field) });
        if (definition != null) for (const error of missingArguments(definition, field)) found.push({ node: field, error });
        for (const argument of definition == null ? [] : (field.arguments ?? [])) {
          const known = definition?.args.find(({ name }) => name === argument.name.value);
          if (known === undefined && definition != null)
            found.push({ node: argument, error: unknownArgument(definition, argument.name.value) });
          if (known === undefined) continue;
          for (const { node, error } of inputMistakes(types, known.type, givenLiteral(argument.value), known.name))
            if (node !== undefined) found.push({ node, error });
        }
      },
    },
  });
  visit(document, visitor);
  return found;
}

/** What is wrong with the variables of an operation that GraphQL has refused; undefined where nothing is found. */
export function variableMistake(
  { schema, types }: { readonly schema: GraphQLSchema; readonly types: TableTypes },
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): EngineError | undefined {
  for (const definition of getOperationAST(document, operationName)?.variableDefinitions ?? []) {
    const name = definition.variable.name.value;
    const type = typeFromAST(schema, definition.type as Parameters<typeof typeFromAST>[1]);
    if (!isInputType(type) || variables == null || !Object.hasOwn(variables, name)) continue;
    const [mistake] = inputMistakes(types, type as GraphQLInputType, givenVariable(variables[name]), `$${name}`);
    if (mistake !== undefined) return mistake.error;
  }
  return undefined;
}
