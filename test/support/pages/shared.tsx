/** What the pages for the two clients share: what they ask, and a record of all that they showed. */
import { createClient } from 'graphql-ws';
import { retryForever } from 'tidemark/client';

const given = new URLSearchParams(location.search);
/** What the test asks of the page, by its address. */
export const options = {
  isLive: given.get('live') !== 'no',
  isOptimistic: given.get('optimistic') !== 'no',
  keepsNewest: given.get('newest') !== 'no',
  paging: given.get('paging') ?? 'rows',
};

export interface Order {
  readonly id: string;
  readonly order_id: string;
  readonly status: string | null;
}
export interface Pages {
  readonly asOf: {
    readonly orders: {
      readonly nodes?: readonly Order[];
      readonly edges: readonly { readonly node: Order }[];
      readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean };
    };
  };
}

const FIELDS = 'edges { cursor node { id order_id status } } pageInfo { endCursor hasNextPage }';
const ORDERS = (after: string): string => `orders(first: 3, ${after} orderBy: [{ order_id: DESC }]) { ${FIELDS} }`;
export const PAGES = `query Pages($after: String) { asOf { id ${ORDERS('after: $after,')} } }`;
export const LIVE = `subscription { live { id ${ORDERS('')} } }`;
export const SET_STATUS = `mutation SetStatus($orderId: BigInt!, $status: String!) {
  updateOrders(where: { order_id: { eq: $orderId } }, set: { status: $status }) { rows { id status } }
}`;

/** A WebSocket of its own address, which the test makes slow. */
export const connection = createClient({ url: `${location.origin.replace('http', 'ws')}/slow`, ...retryForever });

const record = { shown: [] as string[], gaps: 0 };
Object.assign(window, { record });

interface ListProps {
  readonly pages: Pages | undefined;
  readonly isLoading: boolean;
  readonly onToggle: (order: Order, status: string) => void;
  readonly onMore: (after: string) => void;
}

export function List({ pages, isLoading, onToggle, onMore }: ListProps) {
  const list = pages?.asOf?.orders;
  const rows = list?.edges.map(({ node }) => node) ?? [];
  if (list === undefined && !isLoading) record.gaps += 1;
  if (list !== undefined) record.shown.push(rows.map(({ order_id, status }) => `${order_id}${status === 'shipped' ? '+' : ''}`).join(' '));
  const after = list?.pageInfo.endCursor;
  return (
    <main>
      {rows.map((order) => (
        <label key={order.id}>
          <input
            type="checkbox"
            checked={order.status === 'shipped'}
            onChange={({ target }) => onToggle(order, target.checked ? 'shipped' : 'new')}
          />
          {order.order_id}
        </label>
      ))}
      <button type="button" disabled={list?.pageInfo.hasNextPage !== true} onClick={() => after != null && onMore(after)}>
        More
      </button>
    </main>
  );
}
