/**
 * From a checked subscription operation to the channel that it shares: which channel, where the subscriber begins, and how
 * the document is executed for an event, once for all who share it. Both transports go through here.
 */
import { createHash } from 'node:crypto';
import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  getOperationAST,
  Kind,
  visit,
} from 'graphql';
import type { Executed, Source, Subscription } from '../pubsub/index.ts';
import type { Context } from '../resolvers/context.ts';
import { type LogInternalError, toGraphQLError } from '../resolvers/errors.ts';
import { masked, maskOfSource } from '../resolvers/live.ts';
import { countSubscription } from './operation-metrics.ts';

/** An operation that passed validation, with the context that its subscriber has. */
export interface CheckedOperation extends ExecutionArgs {
  readonly contextValue: Context;
}

/** Who may see the same: subscriptions share an execution only within one. There is one, until there are permissions. */
const AUDIENCE = 'everyone';

/** @returns a GraphQL result with errors where the operation is refused */
export async function sharedSubscription(
  args: CheckedOperation,
  log: LogInternalError,
): Promise<{ readonly subscription: Subscription<unknown> } | { readonly refused: ExecutionResult }> {
  const found = (await createSourceEventStream(args)) as Source<unknown> | ExecutionResult;
  if (!('reader' in found)) {
    const errors = (found.errors ?? []).map((error) => toGraphQLError(error, log));
    countSubscription(args.contextValue, errors[0]);
    return { refused: { errors } };
  }
  countSubscription(args.contextValue);
  const facts = factsOf(args.document, args.operationName);
  return {
    subscription: {
      key: keyOf(args, found, facts),
      source: found,
      tellsHead: facts.tellsHead,
      execute: (event, lifetime) => executeFor(args, found, event, { lifetime, log }),
    },
  };
}

/** What a document says about its subscription, whatever the variables. */
interface DocumentFacts {
  /** Whether it asks which commit was the newest. */
  readonly tellsHead: boolean;
  /** The variable that says where to resume and nothing else. It does not keep two subscribers from sharing. */
  readonly positionVariable: string | undefined;
}

const factsByDocument = new WeakMap<DocumentNode, Map<string, DocumentFacts>>();

function factsOf(document: DocumentNode, operationName: string | null | undefined): DocumentFacts {
  let byName = factsByDocument.get(document);
  if (byName === undefined) {
    byName = new Map();
    factsByDocument.set(document, byName);
  }
  const name = operationName ?? '';
  let facts = byName.get(name);
  if (facts === undefined) {
    facts = readFacts(document, operationName);
    byName.set(name, facts);
  }
  return facts;
}

function readFacts(document: DocumentNode, operationName: string | null | undefined): DocumentFacts {
  let tellsHead = false;
  const uses = new Map<string, number>();
  visit(document, {
    Field: ({ name }) => {
      if (name.value === 'caughtUp' || name.value === 'headSnapshotId') tellsHead = true;
    },
    // The definition is not a use.
    VariableDefinition: () => false,
    Variable: ({ name }) => {
      uses.set(name.value, (uses.get(name.value) ?? 0) + 1);
    },
  });
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
  { schema, document, operationName, variableValues }: CheckedOperation,
  { about }: Source<unknown>,
  { positionVariable }: DocumentFacts,
): string {
  const variables = Object.entries(variableValues ?? {})
    .filter(([name, value]) => name !== positionVariable && value !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  const text = document.loc?.source.body ?? '';
  return JSON.stringify([AUDIENCE, schemaNumber(schema), about, operationName ?? null, variables, text]);
}

async function executeFor(
  { schema, document, operationName, variableValues, contextValue }: CheckedOperation,
  source: Source<unknown>,
  event: unknown,
  { lifetime, log }: { readonly lifetime: Context['lifetime']; readonly log: LogInternalError },
): Promise<Executed> {
  const { engine, feed, types } = contextValue;
  const releases: (() => void)[] = [];
  const holding = { releases };
  const context: Context = {
    engine,
    feed,
    types,
    lifetime,
    holding,
    hold: (snapshotId) => void releases.push(engine.read.leases.hold(snapshotId)),
  };
  try {
    const { data, errors } = await execute({
      schema,
      document,
      operationName,
      variableValues,
      rootValue: event,
      contextValue: context,
    });
    const result = { data, ...(errors === undefined ? {} : { errors: errors.map((error) => toGraphQLError(error, log).toJSON()) }) };
    return {
      json: Buffer.from(JSON.stringify(result)),
      content: source.isLatestOnly ? contentOf({ ...result, data: masked(data, maskOfSource(source)) }) : '',
    };
  } finally {
    for (const release of releases) release();
  }
}

function contentOf(result: object): string {
  return createHash('sha256').update(JSON.stringify(result)).digest('base64');
}
