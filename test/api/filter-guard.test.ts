/**
 * A variable that was not given never widens a filter, wherever the schema takes one. The fields are found in the schema by
 * their types, so that a new field with a filter is covered by being there.
 */
import {
  buildSchema,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { Session } from '../../src/engine/index.ts';
import { SchemaProvider } from '../../src/schema/index.ts';
import { DEMO_TABLES, type ErrorAnswer, liveClient, orders, type TestServer, testServer } from '../support/server-support.ts';

type Place = GraphQLArgument | GraphQLInputField;

/** A filter is an input type that combines values of its own. */
function isFilter(type: GraphQLNamedType): type is GraphQLInputObjectType {
  if (!isInputObjectType(type)) return false;
  const { not, and, or } = type.getFields();
  return [not, and, or].every((field) => field !== undefined && getNamedType(field.type) === type);
}

/** Ways through input types from an argument to a filter. */
function waysToFilters(at: Place, before: readonly Place[] = []): (readonly Place[])[] {
  const type = getNamedType(at.type);
  const way = [...before, at];
  if (isFilter(type)) return [way];
  if (!isInputObjectType(type) || before.some((place) => getNamedType(place.type) === type)) return [];
  return Object.values(type.getFields()).flatMap((field) => waysToFilters(field, way));
}

/** Some value of a type that is well formed. */
function sample(name: string, type: GraphQLInputType): string {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return '[]';
  if (isEnumType(nullable)) return nullable.getValues()[0]?.name ?? '';
  if (isInputObjectType(nullable)) {
    const fields = Object.values(nullable.getFields());
    return objectOf(nullable.isOneOf ? fields.filter((field) => field.name === 'snapshotId') : fields.filter(isRequiredInputField));
  }
  if (nullable.name === 'JSON') return '{amount: 1}';
  if (nullable.name === 'String' || nullable.name === 'ID') return name === 'table' || name === 'name' ? '"orders"' : '"some text"';
  return '1';
}

function objectOf(fields: readonly Place[]): string {
  return `{${fields.map((field) => `${field.name}: ${sample(field.name, field.type)}`).join(', ')}}`;
}

/** Where an operand stands in a filter, and its type: of a column, or of a condition on one. */
function operandOf(filter: GraphQLInputObjectType): { readonly text: string; readonly type: string } {
  const [field] = Object.values(filter.getFields()).filter(({ type }) => getNamedType(type) !== filter);
  const condition = field === undefined ? undefined : getNamedType(field.type);
  if (field === undefined) throw new Error(`${filter.name} has no condition`);
  if (!isInputObjectType(condition)) return { text: `{${field.name}: $unset}`, type: String(field.type) };
  const [operand] = Object.values(condition.getFields());
  return { text: `{${field.name}: {${operand?.name}: $unset}}`, type: String(operand?.type) };
}

/** The value of an argument with a filter at the end of the way. */
function valueAlong([at, ...rest]: readonly Place[], filter: string): string {
  if (at === undefined) return filter;
  const [next] = rest;
  const type = getNamedType(at.type) as GraphQLInputObjectType;
  const others = type.isOneOf ? [] : Object.values(type.getFields()).filter((field) => isRequiredInputField(field) && field !== next);
  const inner = next === undefined ? filter : `${objectOf(others).slice(0, -1)} ${next.name}: ${valueAlong(rest, filter)}}`;
  return isListType(getNullableType(at.type)) ? `[${inner}]` : inner;
}

function argumentsOf(args: readonly GraphQLArgument[], given: Readonly<Record<string, string>> = {}): string {
  const texts = args
    .filter((argument) => isRequiredArgument(argument) || argument.name in given)
    .map((argument) => `${argument.name}: ${given[argument.name] ?? sample(argument.name, argument.type)}`);
  return texts.length === 0 ? '' : `(${texts.join(', ')})`;
}

function leaf(type: GraphQLNamedType): string {
  return isObjectType(type) ? ' { __typename }' : '';
}

interface Attempt {
  readonly field: string;
  readonly document: string;
}

/** One operation for each way to a filter, through the shortest path to each field that has one. */
function attempts(schema: GraphQLSchema): Attempt[] {
  const found: Attempt[] = [];
  const roots = [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ] as const;
  const seen = new Set<GraphQLObjectType>();
  for (const [kind, root] of roots) {
    // What a subscription reads it reads by way of its own.
    if (kind === 'subscription') seen.clear();
    const open = root == null ? [] : [{ type: root, around: (text: string) => text }];
    for (let at = open.shift(); at !== undefined; at = open.shift()) {
      if (seen.has(at.type)) continue;
      seen.add(at.type);
      for (const field of Object.values(at.type.getFields())) {
        const type = getNamedType(field.type);
        const { around } = at;
        if (isObjectType(type)) open.push({ type, around: (text) => around(`${field.name}${argumentsOf(field.args)} { ${text} }`) });
        for (const argument of field.args) {
          for (const way of waysToFilters(argument)) {
            const operand = operandOf(getNamedType(way.at(-1)?.type) as GraphQLInputObjectType);
            for (const filter of [operand.text, `{not: {or: [${operand.text}]}}`]) {
              const args = argumentsOf(field.args, { [argument.name]: valueAlong(way, filter) });
              const document = `${kind} ($unset: ${operand.type}) { ${around(`${field.name}${args}${leaf(type)}`)} }`;
              found.push({ field: `${at.type.name}.${field.name}`, document });
            }
          }
        }
      }
    }
  }
  return found;
}

/** Resolves when the server has taken a subscription, which then waits for the next commit; or with it, where it was answered. */
async function accepted(server: TestServer, waitedBefore: number, first: Promise<unknown>): Promise<undefined> {
  let isAnswered = false;
  const note = (): void => {
    isAnswered = true;
  };
  first.then(note, note);
  while (!isAnswered && server.feed.waiting <= waitedBefore) await new Promise((resolve) => setImmediate(resolve));
  return undefined;
}

/** The errors of an operation; of a subscription those of its first answer. */
async function errorsOf(server: TestServer, document: string): Promise<readonly ErrorAnswer[]> {
  if (!document.startsWith('subscription')) return (await server.query(document, {})).errors ?? [];
  const waitedBefore = server.feed.waiting;
  const results = liveClient(server.url).iterate({ query: document, variables: {} });
  try {
    const first = results.next();
    // A live query is always answered at once.
    const next = await (document.includes('{ live') ? first : Promise.race([first, accepted(server, waitedBefore, first)]));
    return (next?.value as { errors?: readonly ErrorAnswer[] } | undefined)?.errors ?? [];
  } catch (error) {
    return error as readonly ErrorAnswer[];
  }
}

describe('a variable that was not given', () => {
  it('is refused by name in every filter that any field of the schema takes', async () => {
    const server = await testServer({ tables: DEMO_TABLES });
    await server.engine.append('orders', orders(1, 3));
    const all = attempts(buildSchema(await new SchemaProvider(new Session(server.engine)).current().sdl()));
    const fields = new Set(all.map(({ field }) => field));
    expect(fields.size).toBeGreaterThan(25);
    const roots = ['query', 'mutation', 'subscription'].map((kind) => all.filter(({ document }) => document.startsWith(kind)).length);
    expect(Math.min(...roots)).toBeGreaterThan(5);
    const widened: unknown[] = [];
    for (const { field, document } of all) {
      const [error, ...more] = await errorsOf(server, document);
      const isRefused = error?.extensions?.code === 'BAD_USER_INPUT' && error.extensions.details['variable'] === 'unset';
      if (!isRefused || more.length > 0) widened.push({ field, document, error });
    }
    expect(widened).toEqual([]);
    expect(server.engine.table('orders').last.totalRows, 'and nothing was changed').toBe(3);
    expect(fields.size).toBe(
      new Set(fieldsWithFilters(buildSchema(await new SchemaProvider(new Session(server.engine)).current().sdl()))).size,
    );
  });
});

/** Every field of the schema with an argument that reaches a filter, whether a path leads to it or not. */
function fieldsWithFilters(schema: GraphQLSchema): string[] {
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })))
    .filter(({ field }) => field.args.some((argument) => waysToFilters(argument).length > 0))
    .map(({ type, field }) => `${type.name}.${field.name}`);
}
