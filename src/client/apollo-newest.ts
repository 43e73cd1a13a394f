/** For Apollo Client 4: a link that keeps answers in order. */
import { ApolloLink, Observable } from '@apollo/client';
import { AnswerOrder, type Asked } from './answer-order.ts';
import { LiveGate, type LiveGateOptions } from './live-gate.ts';
import { toldDocument } from './told-documents.ts';

/** How often a query is asked again whose answer was overtaken on its way. */
const AGAIN_MAX = 2;

/**
 * A link that keeps answers in order, so that the page never steps back. Put it before the links that send queries, mutations
 * and subscriptions. Answers over HTTP and WebSocket can overtake each other:
 * - Of each row the newest values are kept.
 * - A query whose answer was overtaken is asked again, at most twice.
 * - An answer of a live query that is older than the answer of a mutation waits for the next one.
 */
export function keepNewestLink(options?: LiveGateOptions): ApolloLink {
  const order = new AnswerOrder();
  return new ApolloLink((operation, forward) => {
    const asked: Asked = { query: operation.query, operationName: operation.operationName, variables: operation.variables };
    operation.query = toldDocument(operation.query);
    return new Observable((observer) => {
      const tell = (result: ApolloLink.Result): void =>
        observer.next({ ...result, data: order.admit(asked, result.data) } as ApolloLink.Result);
      const gate = new LiveGate<ApolloLink.Result>(({ data }) => order.isBehind(asked, data), tell, options);
      let asks = 0;
      let inner: { unsubscribe(): void } | undefined;
      const ask = (): void => {
        let isOvertaken = false;
        const told = order.newest;
        asks += 1;
        inner = forward(operation).subscribe({
          next: (result) => {
            order.forgetIfRestored(asked, result.data, told);
            if (operation.operationType === 'subscription') gate.take(result);
            else if (operation.operationType === 'query' && asks <= AGAIN_MAX && order.isLate(asked, result.data)) isOvertaken = true;
            else tell(result);
          },
          error: (error: unknown) => {
            gate.flush();
            observer.error(error);
          },
          complete: () => {
            if (isOvertaken) return ask();
            gate.flush();
            observer.complete();
          },
        });
      };
      ask();
      return () => {
        gate.stop();
        inner?.unsubscribe();
      };
    });
  });
}
