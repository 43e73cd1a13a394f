import { it } from 'vitest';
import { DEMO_TABLES, liveClient, orders, subscribe, testServer } from './server-support.ts';

for (const n of [1, 2, 3])
  it('smoke ' + n, async () => {
    const t0 = performance.now();
    const s = await testServer({ tables: DEMO_TABLES });
    console.log('start', performance.now() - t0);
    const sub = await subscribe<any>(s, liveClient(s.url), 'subscription { snapshotCommitted { snapshotId } }');
    console.log(
      JSON.stringify(
        await s.query(
          'mutation ($rows: [JSON!]!) { append(table: "orders", rows: $rows) { commit { snapshotId } view { orders { nodes { order_id amount } } } } }',
          { rows: orders(1, 3) },
        ),
      ),
    );
    console.log(await sub.take(), performance.now() - t0);
    console.log(JSON.stringify(await s.query('{ nope }')));
  });
