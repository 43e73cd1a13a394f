/** Arguments that many fields take alike. */
import type { ArgBuilder } from '@pothos/core';
import { LIMITS } from '../engine/index.ts';
import type { SchemaTypes } from './builder.ts';
import type { Shared } from './static.ts';

type ArgumentBuilder = ArgBuilder<PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>>;

/** Relay's four. */
export function pageArguments(t: ArgumentBuilder) {
  return {
    first: t.int({ description: 'The number of items from the start, at most 1,000. Without first and last it is 50.' }),
    after: t.string({ description: 'Only items after this cursor: the endCursor of the page before.' }),
    last: t.int({ description: 'The number of items from the end.' }),
    before: t.string({ description: 'Only items before this cursor: the startCursor of the page after.' }),
  };
}

/** Of groups, which are read forward only. */
export function groupPageArguments(t: ArgumentBuilder) {
  return {
    first: t.int({ defaultValue: LIMITS.groupPageDefault, description: 'The number of groups on the page; at most 1,000.' }),
    after: t.string({ description: 'Only groups after this cursor: the endCursor of the page before.' }),
  };
}

/** The choice of an instant; none means the newest commit, more than one is BAD_USER_INPUT. */
export function instantArguments(t: ArgumentBuilder, { asOfInput }: Shared) {
  return {
    at: t({ type: asOfInput, description: 'The instant as one input, for use as a variable.' }),
    timestamp: t({
      type: 'DateTime',
      description:
        'The newest commit at or before this instant. An instant up to 5 s in the future is waited for; a later one is FUTURE_TIMESTAMP.',
    }),
    snapshotId: t({
      type: 'SafeInt',
      description: 'The state directly after this commit. It may be any commit, also one that changed other tables only.',
    }),
    tag: t.string({ description: 'The snapshot of this tag.' }),
    atLeast: t({
      type: 'SafeInt',
      description:
        'The present, once this commit is there. The read waits for it up to 5 s, then fails with SNAPSHOT_NOT_FOUND. Cannot be combined with an instant.',
    }),
  };
}

export function timeRangeArguments(t: ArgumentBuilder) {
  return {
    from: t({ type: 'DateTime', description: 'Only commits at or after this instant.' }),
    to: t({ type: 'DateTime', description: 'Only commits at or before this instant.' }),
  };
}
