import { describe, expect, it } from 'vitest';
import { LIMITS, Session } from '../../src/engine/index.ts';
import { CommitFeed } from '../../src/pubsub/index.ts';
import { testEngine } from '../support/support.ts';

describe('the feed of commits', () => {
  it('gives the commits right after every position, in its ring, before its ring, and where the ring begins', async () => {
    const engine = await testEngine();
    await engine.createTable({ name: 't', columns: [{ name: 'k', type: 'LONG' }] });
    const before = 5;
    for (let k = 1; k < before; k += 1) await engine.append('t', [{ k: String(k) }]);
    const feed = new CommitFeed(new Session(engine));
    const extra = 10;
    const commits = Array.from({ length: LIMITS.feedRingMax + extra }, (_, k) => engine.append('t', [{ k: String(k) }]));
    await Promise.all(commits);
    const head = engine.headSnapshotId;
    const oldestInRing = head - LIMITS.feedRingMax + 1;
    const positions = [
      0,
      1,
      before,
      oldestInRing - 3,
      oldestInRing - 2,
      oldestInRing - 1,
      oldestInRing,
      oldestInRing + 1,
      head - 2,
      head - 1,
    ];
    for (const position of positions) {
      const ids = (await feed.after(position)).map(({ snapshotId }) => snapshotId as number);
      const count = Math.min(LIMITS.feedReadMax, head - position);
      expect(ids, `after ${position}, where the ring begins at ${oldestInRing} and ends at ${head}`).toEqual(
        Array.from({ length: count }, (_, at) => position + 1 + at),
      );
    }
    expect(await feed.after(head)).toEqual([]);
    feed.stop();
  });
});
