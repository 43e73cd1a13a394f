import { useMutation, useQuery, useSubscription } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import { OrderTable, Page, type Snapshot, someOrder, TimeSlider } from '../shared/components.tsx';
import { APPEND, COMMITS, HISTORY, LIVE_ORDERS, ORDERS, SHIP } from '../shared/documents.ts';

/** The table's snapshots, oldest first, and every new one. */
function useHistory(): readonly Snapshot[] {
  const { data, subscribeToMore } = useQuery(HISTORY);
  const newest = data?.table?.snapshots?.nodes?.[0]?.snapshotId;
  const isLoaded = newest !== undefined;
  // `newest` is no dependency: it begins after the newest snapshot of the first answer, and goes on by itself.
  useEffect(() => {
    if (!isLoaded) return;
    return subscribeToMore({
      document: COMMITS,
      variables: { after: newest },
      updateQuery: (_previous, { previousData, complete, subscriptionData: { data: event } }) => {
        if (!complete || previousData.table === null || event.snapshotCommitted === null) return undefined;
        const { snapshots } = previousData.table;
        const nodes = [...event.snapshotCommitted.snapshots, ...snapshots.nodes];
        return { ...previousData, table: { ...previousData.table, snapshots: { ...snapshots, nodes } } };
      },
    });
  }, [isLoaded, subscribeToMore]);
  return data?.table?.snapshots.nodes.toReversed() ?? [];
}

export function App() {
  const [at, setAt] = useState<number>();
  const snapshots = useHistory();
  // What the live query answers is what `asOf` without an instant shows: the query below follows it.
  const live = useSubscription(LIVE_ORDERS);
  const { data, previousData, error = live.error } = useQuery(ORDERS, { variables: at === undefined ? {} : { at } });
  const [append] = useMutation(APPEND);
  const [ship] = useMutation(SHIP);
  const shown = (data ?? previousData)?.asOf?.orders;

  return (
    <Page title="Apollo Client">
      <TimeSlider snapshots={snapshots} at={at} onChange={setAt} />
      {error !== undefined && <p className="error">{error.message}</p>}
      <section className={at === undefined ? 'now' : 'past'}>
        <button type="button" disabled={at !== undefined} onClick={() => append({ variables: { row: someOrder() } })}>
          Append an order
        </button>
        {shown != null && (
          <OrderTable
            orders={shown.nodes}
            total={shown.totalCount}
            onShip={at === undefined ? (id) => ship({ variables: { id } }) : undefined}
          />
        )}
      </section>
    </Page>
  );
}
