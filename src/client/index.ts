/** Client helpers: nothing of the server is in here. Apollo's and urql's are in tidemark/client/apollo and /urql. */
export { type IdentifiedRow, type MergeOptions, mergeChanges, mergeChangesAt, type RowChange } from './merge.ts';
export { type OrderByItem, orderBy } from './order-by.ts';
export { wasRestored } from './restored.ts';
export { type ResumableOptions, resumable, retryDelayMs, retryForever } from './resumable.ts';
export { positionOf, type ResumeFacts, resumeFacts } from './resume-facts.ts';
