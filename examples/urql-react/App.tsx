import { useState } from 'react';
import { useMutation, useQuery, useSubscription } from 'urql';
import { Failure, OrderTable, Page, type Snapshot, someOrder, TimeSlider } from '../shared/components.tsx';
import { useWhenLive } from '../shared/connection.ts';
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
  const [{ data, error = live.error }, ask] = useQuery({ query: ORDERS, variables: at === undefined ? {} : { at } });
  // What could not be asked while there was no server is asked when it is back.
  useWhenLive(error !== undefined, ask);
  const [appended, append] = useMutation(APPEND);
  const [shipped, ship] = useMutation(SHIP);
  const shown = data?.asOf?.orders;
  const failure = error ?? appended.error ?? shipped.error;

  return (
    <Page title="urql">
      <TimeSlider snapshots={snapshots} at={at} onChange={setAt} />
      <Failure error={failure} />
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
