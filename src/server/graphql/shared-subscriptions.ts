/**
 * From a checked subscription operation to the broadcast that it shares: which broadcast, where the subscriber begins, and how
 * the document is executed for an event, once for all who share it. Both transports go through here.
 */
import { createHash } from 'node:crypto';
import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type SelectionSetNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { EngineError } from '../../engine/index.ts';
import type { Executed, Lifetime, Source, Subscription } from '../../pubsub/index.ts';
import type { Context } from '../../resolvers/context.ts';
import { type LogInternalError, toGraphQLError } from '../../resolvers/errors.ts';
import { masked, maskOfSource } from '../../resolvers/live.ts';
import { marksOf } from '../../resolvers/marks.ts';
import { countSubscription } from '../metrics/operation-metrics.ts';
import type { Answers } from './answer-limits.ts';
import { explainedVariables } from './plugins.ts';
import { makeReadable } from './variables.ts';

/** An operation that passed validation, with the context that its subscriber has. */
export interface CheckedOperation extends ExecutionArgs {
  readonly contextValue: Context;
}

/** What subscriptions need of the server. */
interface SharedParts {
  readonly answers: Answers;
  readonly log: LogInternalError;
}

/** @returns a GraphQL result with errors where the operation is refused */
export async function sharedSubscription(
  args: CheckedOperation,
  { answers, log }: SharedParts,
): Promise<{ readonly subscription: Subscription<unknown> } | { readonly refused: ExecutionResult }> {
  const refused = (given: readonly unknown[]) => {
    const errors = given.map((error) => toGraphQLError(error, log));
    countSubscription(args.contextValue, errors[0]);
    return { refused: { errors } };
  };
  if (leavesOutRoot(args)) return refused([new EngineError('BAD_USER_INPUT', NO_ROOT)]);
  try {
    makeReadable(args);
  } catch (error) {
    return refused([error]);
  }
  const found = (await createSourceEventStream(args)) as Source<unknown> | ExecutionResult;
  if (!('reader' in found)) return refused((explainedVariables(args, found) ?? found).errors ?? []);
  countSubscription(args.contextValue);
  const facts = factsOf(args);
  return {
    subscription: {
      key: keyOf(args, found, facts),
      source: found,
      tellsHead: facts.tellsHead,
      execute: (event, lifetime) => executeFor(args, found, event, { lifetime, answers, log }),
    },
  };
}

const NO_ROOT = 'the one field of a subscription takes neither @skip nor @include: do not subscribe where it is not wanted';

/** Whether the field that is subscribed to, or a fragment that it stands in, may be left out. Source: the GraphQL specification, section 5.2.4.1. */
function leavesOutRoot({ document, operationName }: CheckedOperation): boolean {
  const fragments = new Map(document.definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [])));
  const looksAt = (set: SelectionSetNode | undefined): boolean =>
    set?.selections.some((one) => {
      if (one.directives?.some(({ name }) => name.value === 'skip' || name.value === 'include') === true) return true;
      if (one.kind === Kind.FIELD) return false;
      return looksAt((one.kind === Kind.INLINE_FRAGMENT ? one : fragments.get(one.name.value))?.selectionSet);
    }) ?? false;
  return looksAt(getOperationAST(document, operationName)?.selectionSet);
}

/** What a document says about its subscription, whatever the variables. */
interface DocumentFacts {
  /** Whether it asks which commit was the newest. */
  readonly tellsHead: boolean;
  /** The variable that says where to resume and nothing else. It does not keep two subscribers from sharing. */
  readonly positionVariable: string | undefined;
}

const factsByDocument = new WeakMap<DocumentNode, Map<string, DocumentFacts>>();

function factsOf({ schema, document, operationName }: CheckedOperation): DocumentFacts {
  let byName = factsByDocument.get(document);
  if (byName === undefined) {
    byName = new Map();
    factsByDocument.set(document, byName);
  }
  const name = operationName ?? '';
  let facts = byName.get(name);
  if (facts === undefined) {
    facts = readFacts(schema, document, operationName);
    byName.set(name, facts);
  }
  return facts;
}

function readFacts(schema: GraphQLSchema, document: DocumentNode, operationName: string | null | undefined): DocumentFacts {
  let tellsHead = false;
  const uses = new Map<string, number>();
  const types = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(types, {
      Field: () => {
        const field = types.getFieldDef();
        if (field != null && marksOf(field).tellsHead === true) tellsHead = true;
      },
      // The definition is not a use.
      VariableDefinition: () => false,
      Variable: ({ name }) => {
        uses.set(name.value, (uses.get(name.value) ?? 0) + 1);
      },
    }),
  );
  const root = getOperationAST(document, operationName)?.selectionSet.selections[0];
  const after = root?.kind === Kind.FIELD ? root.arguments?.find(({ name }) => name.value === 'after')?.value : undefined;
  const variable = after?.kind === Kind.VARIABLE ? after.name.value : undefined;
  return { tellsHead, positionVariable: variable !== undefined && uses.get(variable) === 1 ? variable : undefined };
}

const schemaNumbers = new WeakMap<object, number>();
let nextSchemaNumber = 1;

/** Subscriptions begun under one GraphQL schema keep it. */
function schemaNumber(schema: object): number {
  let number = schemaNumbers.get(schema);
  if (number === undefined) {
    number = nextSchemaNumber;
    nextSchemaNumber += 1;
    schemaNumbers.set(schema, number);
  }
  return number;
}

function keyOf(
  { schema, document, operationName, variableValues, contextValue }: CheckedOperation,
  { about }: Source<unknown>,
  { positionVariable }: DocumentFacts,
): string {
  const variables = Object.entries(variableValues ?? {})
    .filter(([name, value]) => name !== positionVariable && value !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  const text = document.loc?.source.body ?? '';
  // Subscriptions share an execution only where the same may be seen.
  const { audience } = contextValue.session.principal;
  const key = JSON.stringify([audience, schemaNumber(schema), about, operationName ?? null, variables, text], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  return createHash('sha256').update(key).digest('base64');
}

async function executeFor(
  { schema, document, operationName, variableValues, contextValue }: CheckedOperation,
  source: Source<unknown>,
  event: unknown,
  { lifetime, answers, log }: SharedParts & { readonly lifetime: Lifetime },
): Promise<Executed> {
  const { session, feed, types, notices } = contextValue;
  const releases: (() => void)[] = [];
  const holding = { releases };
  const budget = answers.budget();
  const context: Context = {
    session,
    feed,
    types,
    notices,
    lifetime: {
      budget,
      get signal() {
        return lifetime.signal;
      },
    },
    holding,
    hold: (snapshotId) => void releases.push(session.hold(snapshotId)),
  };
  try {
    const executed = await execute({
      schema,
      document,
      operationName,
      variableValues,
      rootValue: event,
      contextValue: context,
    });
    const { data, errors } = answers.fitting(executed);
    const told = errors?.map((error) => toGraphQLError(error, log));
    const result = { data, ...(told === undefined ? {} : { errors: told.map((error) => error.toJSON()) }) };
    return {
      jsonAndBrace: ownMemory(`${JSON.stringify(result)}}`),
      content: source.isLatestOnly ? contentOf({ ...result, data: masked(data, maskOfSource(source)) }) : '',
      overload: errors === undefined ? undefined : overloadIn(errors),
    };
  } finally {
    budget.release();
    for (const release of releases) release();
  }
}

function overloadIn(errors: readonly GraphQLError[]): EngineError | undefined {
  for (const { originalError } of errors)
    if (originalError instanceof EngineError && originalError.code === 'OVERLOADED') return originalError;
  return undefined;
}

function contentOf(result: object): string {
  return createHash('sha256').update(JSON.stringify(result)).digest('base64');
}

/** Bytes in memory of their own: a small Buffer is a slice of a pool, which as a whole stays for as long as the slice is kept. */
function ownMemory(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
