/** For urql: an exchange that keeps answers in order. */
import { type Exchange, makeOperation, type Operation, type OperationResult } from '@urql/core';
import { filter, makeSubject, map, merge, pipe } from 'wonka';
import { AnswerOrder, type Asked } from './answer-order.ts';
import { LiveGate, type LiveGateOptions } from './live-gate.ts';
import { toldDocument } from './told-documents.ts';

/** How often a query is asked again whose answer was overtaken on its way. */
const AGAIN_MAX = 2;

interface Sent {
  /** As the application asked. */
  readonly operation: Operation;
  readonly asked: Asked;
  readonly told: Operation;
  readonly gate: LiveGate<OperationResult>;
  asks: number;
  /** The newest snapshot that had been told when it was asked. */
  newest: number;
}

/**
 * An exchange that keeps answers in order, so that the page never steps back. Put it after the cache and before the exchanges
 * that send. Answers over HTTP and WebSocket can overtake each other:
 * - Of each row the newest values are kept.
 * - A query whose answer was overtaken is asked again, at most twice.
 * - An answer of a live query that is older than the answer of a mutation waits for the next one.
 */
export function keepNewestExchange(options?: LiveGateOptions): Exchange {
  return ({ forward }) => {
    const order = new AnswerOrder();
    return (operations) => {
      const again = makeSubject<Operation>();
      const passed = makeSubject<OperationResult>();
      const sent = new Map<number, Sent>();
      const send = (operation: Operation): Operation => {
        const { key, kind } = operation;
        sent.get(key)?.gate.stop();
        sent.delete(key);
        if (kind === 'teardown') return operation;
        const asked: Asked = { query: operation.query, variables: operation.variables as Asked['variables'] };
        const told = makeOperation(kind, { ...operation, query: toldDocument(operation.query) }, operation.context);
        const gate = new LiveGate<OperationResult>(
          ({ data }) => order.isBehind(asked, data),
          (result) => passed.next(admitted(result, operation, asked)),
          options,
        );
        sent.set(key, { operation, asked, told, gate, asks: 1, newest: order.newest });
        return told;
      };
      const admitted = (result: OperationResult, operation: Operation, asked: Asked): OperationResult => ({
        ...result,
        operation,
        data: order.admit(asked, result.data) as OperationResult['data'],
      });
      /** The result for the application; undefined where it is held back or asked for again. */
      const take = (result: OperationResult): OperationResult | undefined => {
        const state = sent.get(result.operation.key);
        if (state === undefined) return result;
        const { operation, asked, gate, told } = state;
        order.forgetIfRestored(asked, result.data, state.newest);
        if (operation.kind === 'subscription' && result.data != null) {
          gate.take(result);
          return undefined;
        }
        if (operation.kind === 'query' && state.asks <= AGAIN_MAX && order.isLate(asked, result.data)) {
          state.asks += 1;
          state.newest = order.newest;
          void Promise.resolve().then(() => sent.get(operation.key) === state && again.next(told));
          return undefined;
        }
        state.asks = 1;
        if (operation.kind === 'mutation') sent.delete(operation.key);
        return admitted(result, operation, asked);
      };
      const results = pipe(
        merge([pipe(operations, map(send)), again.source]),
        forward,
        map(take),
        filter((result) => result !== undefined),
      );
      return merge([results as typeof passed.source, passed.source]);
    };
  };
}
