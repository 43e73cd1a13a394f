import { useMutation, useQuery, useSubscription } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import { Failure, OrderTable, Page, type Snapshot, someOrder, TimeSlider } from '../shared/components.tsx';
import { useWhenLive } from '../shared/connection.ts';
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
  const { data, error = live.error, refetch } = useQuery(ORDERS, { variables: at === undefined ? {} : { at } });
  // What could not be asked while there was no server is asked when it is back.
  useWhenLive(error !== undefined, refetch);
  // Their errors are shown below.
  const [append, appended] = useMutation(APPEND, { onError: () => {} });
  const [ship, shipped] = useMutation(SHIP, { onError: () => {} });
  const shown = data?.asOf?.orders;
  const failure = error ?? appended.error ?? shipped.error;

  return (
    <Page title="Apollo Client">
      <TimeSlider snapshots={snapshots} at={at} onChange={setAt} />
      <Failure error={failure} />
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
