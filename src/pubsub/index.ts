/** The live path: commits to subscribers. */
export { CommitFeed } from './feed.ts';
export { type SnapshotEvent, type SnapshotFilter, snapshotEvents } from './snapshots.ts';
