/** The plugins that connect Yoga and Tidemark: the schema of the moment, codes of errors, row errors for typed input. */
import type { IncomingMessage } from 'node:http';
import {
  type ASTVisitor,
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type ValidationContext,
} from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import type { Context } from '../../resolvers/context.ts';
import { explainedDocument, variableMistake } from '../../resolvers/mistakes.ts';
import type { SchemaEntry, SchemaProvider } from '../../schema/index.ts';
import { bodyTextOf } from '../http/body.ts';
import { parseJson } from '../http/exact-json.ts';

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

/** Syntax and validation errors carry their codes and say what was meant; which operation is meant must be clear. */
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
      ({ context, params: { schema, documentAST } }) =>
      ({ result, setResult }) => {
        if (result.length === 0) return;
        for (const error of result) mark(error, 'GRAPHQL_VALIDATION_FAILED');
        const { schemaEntry } = context as WithSchema;
        if (schemaEntry !== undefined)
          setResult(explainedDocument({ schema, types: schemaEntry.types }, documentAST, result as GraphQLError[]));
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

/** Where GraphQL refuses variables: bad rows are INVALID_ROW, and what else is found is said with the form that works. */
export function refusedVariables(): Plugin {
  return {
    onExecute: ({ args }) => ({
      onExecuteDone: ({ result, setResult }) => {
        if (Symbol.asyncIterator in (result as object)) return;
        const refused = explainedVariables(args as unknown as Executed, result as ExecutionResult);
        if (refused !== undefined) setResult(refused);
      },
    }),
  };
}

interface Executed {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined;
  readonly contextValue: Pick<Context, 'types'>;
}

/** A result without `data` means that the variables were refused before anything ran: then what is wrong with them. */
export function explainedVariables(
  { schema, document, operationName, variableValues, contextValue }: Executed,
  result: ExecutionResult,
): ExecutionResult | undefined {
  if ('data' in result || result.errors === undefined) return undefined;
  const error = variableMistake({ schema, types: contextValue.types }, document, operationName, variableValues);
  return error === undefined ? undefined : { errors: [new GraphQLError(error.message, { originalError: error })] };
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

/** Reads the parameters of a request, with all digits of their numbers; what is no JSON is the client's mistake. */
export function checkedParameters(): Plugin {
  return {
    onRequestParse: ({ request, url, requestParser, serverContext, setRequestParser }) => {
      const { req } = serverContext as { readonly req?: IncomingMessage };
      const text = req === undefined ? undefined : bodyTextOf(req);
      if (text !== undefined) setRequestParser(() => parametersOf(text, req?.headers['content-type'] ?? ''));
      if (request.method !== 'GET') return;
      const given = new Map<string, unknown>();
      for (const name of ['variables', 'extensions']) {
        const value = url.searchParams.get(name);
        if (value === null) continue;
        try {
          given.set(name, parseJson(value));
        } catch {
          throw badRequest(`the parameter ${name} is not JSON`, 400);
        }
      }
      if (requestParser !== undefined && given.has('variables'))
        setRequestParser(async (asked) => {
          const params = (await requestParser(asked)) as GraphQLParams;
          return Object.assign({}, params, { variables: given.get('variables') }) as GraphQLParams;
        });
    },
  };
}

/** What a body asks for. @throws GraphQLError BAD_USER_INPUT */
function parametersOf(text: string, contentType: string): GraphQLParams {
  if (/^application\/graphql\s*(?:;|$)/i.test(contentType)) return { query: text };
  let parsed: unknown;
  try {
    parsed = parseJson(text);
  } catch (error) {
    throw badRequest(`the body is not JSON: ${(error as Error).message.slice(0, 200)}`, 400);
  }
  if (typeof parsed !== 'object' || parsed === null) throw badRequest('the body is not a JSON object of query and variables', 400);
  return parsed as GraphQLParams;
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
