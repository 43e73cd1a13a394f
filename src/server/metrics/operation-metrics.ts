/**
 * GraphQL operations by type and outcome, over every transport: what Yoga and graphql-ws run is counted by a plugin whose
 * hooks are all synchronous, and subscriptions, which share their execution, where they begin.
 */
import { type DocumentNode, type GraphQLError, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Counter, Histogram } from 'prom-client';
import { ERROR_CODES } from '../../engine/index.ts';
import { toGraphQLError } from '../../resolvers/errors.ts';
import type { MetricRegistry } from './metric-registry.ts';

/** `unknown`: what could not be parsed, or names no operation of its document. */
type OperationType = (typeof TYPES)[number] | 'unknown';
const TYPES = ['query', 'mutation', 'subscription'] as const;

const PARSE_FAILED = 'GRAPHQL_PARSE_FAILED';
/** Codes that are outcomes; any other would be counted as OTHER. */
const OUTCOMES: ReadonlySet<string> = new Set([...ERROR_CODES, 'GRAPHQL_VALIDATION_FAILED', 'INTERNAL_SERVER_ERROR', 'FORBIDDEN']);
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Where an operation's measurement is kept in its context, which is copied for some subscriptions. */
const MEASURED = Symbol('measured operation');

interface Measured {
  readonly metrics: OperationMetrics;
  readonly startedMs: number;
}

interface WithMeasured {
  [MEASURED]?: Measured;
  readonly params?: { readonly operationName?: string | null };
}

export class OperationMetrics {
  readonly #operations: Counter<'operation' | 'outcome'>;
  readonly #durations: Histogram<'operation'>;
  #begun = 0;
  #parsed = 0;
  /** Of those that were begun and not parsed, how many are counted. */
  #refused = 0;

  constructor(metrics: MetricRegistry) {
    this.#operations = metrics.counter({
      name: 'graphql_operations_total',
      help: 'GraphQL operations by type, and ok or the code of the first error. A subscription counts when it begins.',
      labels: { operation: TYPES, outcome: ['ok'] },
    });
    this.#durations = metrics.histogram({
      name: 'graphql_operation_duration_seconds',
      help: 'Time of an operation from parsing to its result; of a subscription until it begins.',
      labels: { operation: TYPES },
      buckets: SECONDS,
    });
  }

  /** To stand after the plugins that put errors right, and before those that answer in execution's stead. */
  plugin(): Plugin {
    const parsed = ({ result }: { readonly result: unknown }): void => {
      if (!(result instanceof Error)) this.#parsed += 1;
    };
    return {
      onParse: ({ context }) => {
        (context as WithMeasured)[MEASURED] = { metrics: this, startedMs: performance.now() };
        if (isFirstLook(context)) return undefined;
        this.#begun += 1;
        return parsed;
      },
      onValidate:
        ({ params: { documentAST } }) =>
        ({ valid, result, context }) => {
          if (valid || isFirstLook(context)) return;
          const { params } = context as WithMeasured;
          this.finished(context, typeOf(documentAST, params?.operationName), result[0]);
        },
      onExecute: ({ args }) => ({
        onExecuteDone: ({ result }) => {
          const errors = 'errors' in result ? result.errors : undefined;
          this.finished(args.contextValue, typeOf(args.document, args.operationName), errors?.[0]);
        },
      }),
      onSubscribe: () => ({
        onSubscribeResult: ({ args, result }) => {
          const errors = 'errors' in result ? result.errors : undefined;
          this.finished(args.contextValue, 'subscription', errors?.[0]);
        },
      }),
    };
  }

  /** Counts an operation that has its result. */
  finished(context: unknown, operation: OperationType, error: unknown): void {
    const startedMs = (context as WithMeasured)[MEASURED]?.startedMs;
    this.#operations.inc({ operation, outcome: outcomeOf(error) });
    if (startedMs !== undefined) this.#durations.observe({ operation }, (performance.now() - startedMs) / 1000);
  }

  /**
   * Counts the documents that were not parsed: wrong syntax, or too many tokens. One that is refused again is refused out
   * of a cache that passes the hooks by, so they are what was begun and not parsed. Parsing is synchronous: none is under way.
   */
  refresh(): void {
    const refused = this.#begun - this.#parsed;
    if (refused > this.#refused) this.#operations.inc({ operation: 'unknown', outcome: PARSE_FAILED }, refused - this.#refused);
    this.#refused = refused;
  }
}

/** Counts a subscription that has begun, or was refused, on a channel that is shared. */
export function countSubscription(context: object, refused?: GraphQLError): void {
  (context as WithMeasured)[MEASURED]?.metrics.finished(context, 'subscription', refused);
}

/** An event stream looks whether a document is a subscription; what it refuses is handed on to Yoga, and counted there. */
function isFirstLook(context: object): boolean {
  return !('request' in context || 'connectionParams' in context);
}

function typeOf(document: DocumentNode, operationName: string | null | undefined): OperationType {
  return getOperationAST(document, operationName)?.operation ?? 'unknown';
}

/** The code that the client is told. */
function outcomeOf(error: unknown): string {
  if (error === undefined) return 'ok';
  const code = toGraphQLError(error, () => {}).extensions['code'];
  return typeof code === 'string' && OUTCOMES.has(code) ? code : 'OTHER';
}
