import { useState } from 'react';
import { useMutation, useQuery, useSubscription } from 'urql';
import { OrderTable, Page, type Snapshot, someOrder, TimeSlider } from '../shared/components.tsx';
import { APPEND, COMMITS, HISTORY, LIVE_ORDERS, ORDERS, SHIP } from '../shared/documents.ts';

/** The table's snapshots, oldest first, and every new one: the cache puts what comes in front of them. */
function useHistory(): readonly Snapshot[] {
  const [{ data }] = useQuery({ query: HISTORY });
  const nodes = data?.table?.snapshots.nodes;
  // It begins after the newest snapshot of the first answer, and goes on by itself from there.
  const [after, setAfter] = useState<number>();
  if (after === undefined && nodes?.[0] !== undefined) setAfter(nodes[0].snapshotId);
  useSubscription({ query: COMMITS, variables: { after }, pause: after === undefined });
  return nodes?.toReversed() ?? [];
}

export function App() {
  const [at, setAt] = useState<number>();
  const snapshots = useHistory();
  // What the live query answers is what `asOf` without an instant shows: the query below follows it.
  const [live] = useSubscription({ query: LIVE_ORDERS });
  const [{ data, error = live.error }] = useQuery({ query: ORDERS, variables: at === undefined ? {} : { at } });
  const [, append] = useMutation(APPEND);
  const [, ship] = useMutation(SHIP);
  const shown = data?.asOf?.orders;

  return (
    <Page title="urql">
      <TimeSlider snapshots={snapshots} at={at} onChange={setAt} />
      {error !== undefined && <p className="error">{error.message}</p>}
      <section className={at === undefined ? 'now' : 'past'}>
        <button type="button" disabled={at !== undefined} onClick={() => append({ row: someOrder() })}>
          Append an order
        </button>
        {shown != null && (
          <OrderTable orders={shown.nodes} total={shown.totalCount} onShip={at === undefined ? (id) => ship({ id }) : undefined} />
        )}
      </section>
    </Page>
  );
}
