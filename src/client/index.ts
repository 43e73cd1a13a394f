/** Client helpers: nothing of the server is in here. Apollo's and urql's are in tidemark/client/apollo and /urql. */
export {
  API_ERROR_CODES,
  type ApiErrorCode,
  type ApiErrorDetails,
  type ApiErrorExtensions,
  errorExtensions,
  type InvalidValue,
} from './error-extensions.ts';
export { type IdentifiedRow, type MergeOptions, mergeChanges, mergeChangesAt, type RowChange } from './merge.ts';
export { type OrderByItem, orderBy } from './order-by.ts';
export { wasRestored } from './restored.ts';
export { type ResumableOptions, resumable, retryDelayMs, retryForever } from './resumable.ts';
export { positionOf, type ResumeFacts, resumeFacts } from './resume-facts.ts';
