/** The live path: commits to subscribers. */

export { Broadcasts, type Executed, type Lifetime, type Subscription } from './broadcasts.ts';
export { type ChangesEvent, changesSource } from './changes.ts';
export type { Payload, SubscriberConnection } from './connection.ts';
export { expiredAfter, hasExpiredAfter } from './expired.ts';
export { CommitFeed } from './feed.ts';
export { LIVE_CLASSES, type LiveClass, type LiveFigures } from './figures.ts';
export { liveSource, type WatchedTables } from './live.ts';
export { after, cursorOf, END, type Position, positionOf } from './position.ts';
export { type SnapshotEvent, type SnapshotFilter, snapshotSource } from './snapshots.ts';
export type { Source } from './source.ts';
