/**
 * How large answers may be: each has a budget for the rows that it reads, all under way share a pool, and what is about to be
 * written is measured first, since a row that is read once may be written many times. Keeps invariant 5.
 */
import { getHeapStatistics } from 'node:v8';
import { type ExecutionResult, GraphQLError, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { Budget, LIMITS, limitExceeded, MemoryPool } from '../../engine/index.ts';
import type { Context } from '../../resolvers/context.ts';

const MEBIBYTE = 1024 * 1024;
const HINT = 'Ask for fewer rows or columns at once, page with first and after, or raise --max-answer.';
/** Of a field: quotes, colon and comma. */
const FIELD_BYTES = 4;
const NUMBER_BYTES = 20;

/** A share of the memory that JavaScript may take, and no more than some bytes. */
export function shareOfHeap(share: number, bytesMax: number): number {
  return Math.min(bytesMax, Math.floor(getHeapStatistics().heap_size_limit * share));
}

export class Answers {
  readonly #bytesMax: number;
  readonly #pool: MemoryPool;

  constructor({ answerMiB }: { readonly answerMiB: number | undefined }) {
    this.#bytesMax = answerMiB === undefined ? shareOfHeap(1 / 8, LIMITS.answerBytesMax) : answerMiB * MEBIBYTE;
    const together = Math.max(this.#bytesMax, shareOfHeap(1 / 4, 4 * LIMITS.answerBytesMax));
    this.#pool = new MemoryPool({ limit: 'answersBytesMax', maximum: together, hint: HINT });
  }

  /** Bytes of the rows that answers under way hold. */
  get bytes(): number {
    return this.#pool.taken;
  }

  /** What one operation may read; to be released when its answer has gone out. */
  budget(): Budget {
    return new Budget({ limit: 'answerBytesMax', maximum: this.#bytesMax, hint: HINT }, this.#pool);
  }

  /** A result as it may be sent: itself, or the error that it is too large. */
  fitting<Result extends ExecutionResult>(result: Result, isMutation = false): Result | ExecutionResult {
    if ('stringify' in result) return result;
    const left = measured(result.data, this.#bytesMax);
    if (left >= 0) return result;
    const hint = isMutation ? `The change was made; only its answer is too large. ${HINT}` : HINT;
    const error = limitExceeded('answerBytesMax', this.#bytesMax, this.#bytesMax - left, hint);
    return { errors: [new GraphQLError(error.message, { originalError: error })] };
  }

  plugin(): Plugin {
    return {
      onExecute: ({ args }) => ({
        onExecuteDone: ({ result, setResult }) => {
          // Over a WebSocket what waits for its client is bounded by itself; over HTTP the answer's end releases it.
          const { res, lifetime } = args.contextValue as unknown as Context & { readonly res?: unknown };
          if (res === undefined) lifetime.budget.release();
          if (Symbol.asyncIterator in (result as object)) return;
          const isMutation = getOperationAST(args.document, args.operationName)?.operation === 'mutation';
          const fitting = this.fitting(result as ExecutionResult, isMutation);
          if (fitting !== result) setResult(fitting);
        },
      }),
    };
  }
}

/** What is left of some bytes once a value is written as JSON; below zero as soon as it does not fit. */
function measured(value: unknown, bytes: number): number {
  if (typeof value === 'string') return bytes - value.length - 2;
  if (typeof value !== 'object' || value === null) return bytes - (typeof value === 'number' ? NUMBER_BYTES : FIELD_BYTES);
  let left = bytes - 2;
  if (Array.isArray(value)) {
    for (const item of value) {
      left = measured(item, left - 1);
      if (left < 0) return left;
    }
    return left;
  }
  for (const key in value) {
    left = measured((value as Record<string, unknown>)[key], left - key.length - FIELD_BYTES);
    if (left < 0) return left;
  }
  return left;
}
