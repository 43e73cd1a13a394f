/** Arguments that many fields take alike. */
import type { ArgBuilder } from '@pothos/core';
import { LIMITS } from '../engine/index.ts';
import type { SchemaTypes } from './builder.ts';
import type { Shared } from './static.ts';

type ArgumentBuilder = ArgBuilder<PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>>;

/** Relay's four. */
export function pageArguments(t: ArgumentBuilder) {
  return {
    first: t.int({ description: 'How many from the start. 50 where neither first nor last is given; at most 1,000.' }),
    after: t.string({ description: 'Only what comes after this cursor: the endCursor of the page before.' }),
    last: t.int({ description: 'How many from the end.' }),
    before: t.string({ description: 'Only what comes before this cursor: the startCursor of the page after.' }),
  };
}

/** Of groups, which are read forward only. */
export function groupPageArguments(t: ArgumentBuilder) {
  return {
    first: t.int({ defaultValue: LIMITS.groupPageDefault, description: 'Groups on the page; at most 1,000.' }),
    after: t.string({ description: 'Only groups that come after this cursor: the endCursor of the page before.' }),
  };
}

/** The choice of an instant; none means the newest commit, more than one is BAD_USER_INPUT. */
export function instantArguments(t: ArgumentBuilder, { asOfInput }: Shared) {
  return {
    at: t({ type: asOfInput, description: 'The instant as one input, handy as a variable.' }),
    timestamp: t({
      type: 'DateTime',
      description: 'The newest commit at or before this instant. Up to 5 s ahead it is waited for; further is FUTURE_TIMESTAMP.',
    }),
    snapshotId: t({ type: 'SafeInt', description: 'Right after this commit; any commit will do, also one that touched other tables.' }),
    tag: t.string({ description: 'As of the snapshot that a tag names.' }),
    atLeast: t({
      type: 'SafeInt',
      description:
        'The present, but not before this commit is there: it is waited for up to 5 s, then SNAPSHOT_NOT_FOUND. Not beside an instant.',
    }),
  };
}

export function timeRangeArguments(t: ArgumentBuilder) {
  return {
    from: t({ type: 'DateTime', description: 'Only commits at or after this instant.' }),
    to: t({ type: 'DateTime', description: 'Only commits at or before this instant.' }),
  };
}
