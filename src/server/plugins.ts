/** What Yoga is told about Tidemark: the schema of the moment, codes on errors, row errors for typed input. */
import {
  type ASTVisitor,
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  getOperationAST,
  Kind,
  type ValidationContext,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../resolvers/context.ts';
import { invalidRowsOf } from '../resolvers/invalid-rows.ts';
import type { SchemaEntry, SchemaProvider } from '../schema/index.ts';

/** Where the schema of an operation is kept in its initial context. */
export interface WithSchema {
  schemaEntry?: SchemaEntry;
}

/** Each operation gets the newest schema, and keeps it. Every transport has waited for the one of the moment before. */
export function catalogSchema(provider: SchemaProvider): Plugin {
  return {
    onEnveloped: ({ context, setSchema }) => {
      const entry = provider.newest();
      setSchema(entry.schema);
      if (context !== undefined && context !== null) (context as WithSchema).schemaEntry = entry;
    },
  };
}

/** Raised where a document has several operations and none is chosen, or another than those. */
function noOperation(document: DocumentNode, name: string | null | undefined): GraphQLError {
  const names = document.definitions.flatMap((one) =>
    one.kind === Kind.OPERATION_DEFINITION ? [one.name?.value ?? 'one without a name'] : [],
  );
  const has = names.length === 0 ? 'no operation' : `the operations ${names.join(', ')}`;
  return badRequest(`operationName: the document has ${has}; ${name == null ? 'say which one is meant' : `there is no ${name}`}`, 400);
}

/** Syntax and validation errors carry their codes; which operation is meant must be clear. */
export function errorCodes(): Plugin {
  const mark = (error: unknown, code: string): void => {
    if (error instanceof GraphQLError && error.extensions['code'] === undefined) Object.assign(error.extensions, { code, details: {} });
  };
  return {
    onParse:
      ({ context }) =>
      ({ result }) => {
        mark(result, 'GRAPHQL_PARSE_FAILED');
        if (result === null || result instanceof Error) return;
        const { operationName } = (context as { params?: { operationName?: string | null } }).params ?? {};
        if (getOperationAST(result, operationName) == null) throw noOperation(result, operationName);
      },
    onValidate:
      () =>
      ({ result }) => {
        for (const error of result) mark(error, 'GRAPHQL_VALIDATION_FAILED');
      },
  };
}

/** The executor takes an object that has `then` in it for a promise: an answer cannot call anything so. */
function refuseThen(context: ValidationContext): ASTVisitor {
  return {
    Field: (node) => {
      if ((node.alias ?? node.name).value !== 'then') return;
      const message = 'a field of an answer cannot be called then: JavaScript takes such an object for a promise. Choose another alias.';
      context.reportError(new GraphQLError(message, { nodes: node }));
    },
  };
}

export function responseKeys(): Plugin {
  return { onValidate: ({ addValidationRule }) => addValidationRule(refuseThen) };
}

/** Where GraphQL refuses a typed `rows` variable, the table's row checker says which rows are bad. */
export function invalidRows(): Plugin {
  return {
    onExecute: ({ args }) => ({
      onExecuteDone: ({ result, setResult }) => {
        // A result without `data` means that the variables were refused before anything ran.
        if (Symbol.asyncIterator in (result as object) || 'data' in (result as ExecutionResult)) return;
        const error = invalidRowsOf(args.contextValue as unknown as Context, args.document, args.operationName, args.variableValues);
        if (error !== undefined) setResult({ errors: [new GraphQLError(error.message, { originalError: error })] });
      },
    }),
  };
}

/** What an operation reads at cannot expire until it is answered. */
export function heldSnapshots(): Plugin {
  return {
    onExecute: ({ args }) => {
      const { holding } = args.contextValue as unknown as Context;
      holding.releases = [];
      return {
        onExecuteDone: () => {
          for (const release of holding.releases ?? []) release();
          holding.releases = undefined;
        },
      };
    },
  };
}

function badRequest(message: string, status: number): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', details: {}, http: { status } } });
}

/** Parameters of a GET that are no JSON are the client's mistake. */
export function checkedParameters(): Plugin {
  return {
    onRequestParse: ({ request, url }) => {
      if (request.method !== 'GET') return;
      for (const name of ['variables', 'extensions']) {
        const value = url.searchParams.get(name);
        if (value === null) continue;
        try {
          JSON.parse(value);
        } catch {
          throw badRequest(`the parameter ${name} is not JSON`, 400);
        }
      }
    },
  };
}

/** A subscription needs a connection that stays: one that cannot is told which can. */
export function subscriptionTransport(): Plugin {
  return {
    onSubscribe: ({ args, setResultAndStopExecution }) => {
      const { request } = args.contextValue as { request?: Request };
      if (request === undefined || (request.headers.get('accept') ?? '').includes('text/event-stream')) return;
      const error = badRequest(
        'subscriptions are served at this address over WebSocket (protocol graphql-transport-ws, package graphql-ws), and as an event stream to who accepts text/event-stream (package graphql-sse)',
        400,
      );
      setResultAndStopExecution({ errors: [error] });
    },
  };
}
