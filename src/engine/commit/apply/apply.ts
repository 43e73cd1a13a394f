/**
 * apply: a pure function from a catalog state and an entry to LevelDB operations, an outcome and the next state.
 * No clock, no randomness, no configuration, no I/O: what it needs stands in the entry, the state or the look-ups, so
 * the same log gives the same catalog on every machine. Keeps invariant 2.
 */
import type { CatalogState } from '../../catalog/state.ts';
import type { LogEntry } from '../../log/entry.ts';
import { unreachable } from '../../model/errors.ts';
import type { TimestampMs } from '../../model/ids.ts';
import { applyCommit } from './commit.ts';
import { applyExpire } from './expire.ts';
import { applyRewrite } from './rewrite.ts';
import { applyTag } from './tags.ts';
import type { Applied, Lookups } from './types.ts';

/** `timestampMs`: the sequencer's reading for this entry, at or after every read barrier. */
export function apply(state: CatalogState, entry: LogEntry, timestampMs: TimestampMs, lookups: Lookups): Applied {
  switch (entry.kind) {
    case 'commit':
      return applyCommit(state, entry, timestampMs, lookups);
    case 'rewrite':
      return applyRewrite(state, entry);
    case 'expire':
      return applyExpire(state, entry);
    case 'tag':
      return applyTag(state, entry, timestampMs);
    default:
      return unreachable(entry);
  }
}
