/** For Apollo Client 4: pages of one list in one field of the cache. */
import type { FieldFunctionOptions, FieldPolicy, Reference } from '@apollo/client';
import { listKey, withFirstPage, withNextPage } from './pages.ts';

type Stored = Readonly<Record<string, unknown>>;
/** An edge, or a row, as the cache has it. */
type Item = Stored | Reference;

/**
 * A field policy for a list that is loaded page by page: `CatalogView: { fields: { orders: rowPages() } }`. `fetchMore` adds
 * pages. If the first page comes again, from a live query or a refetch, the pages behind it stay. Rows are identified by `id`.
 */
export function rowPages(): FieldPolicy<Stored | null> {
  return {
    keyArgs: (args) => listKey(args),
    merge: (existing, incoming, options) => (existing == null || incoming == null ? incoming : merged(existing, incoming, options)),
  };
}

function merged(existing: Stored, incoming: Stored, { args, readField }: FieldFunctionOptions): Stored {
  const isNext = args?.['after'] != null;
  const isBefore = args?.['before'] != null;
  const newInfo = incoming['pageInfo'] as Stored | undefined;
  const oldInfo = existing['pageInfo'] as Stored | undefined;
  // There is nothing behind a first page that says so, nor behind one that covers all that is loaded.
  const isAll = !isNext && !isBefore && newInfo?.['hasNextPage'] === false;
  const put = (name: string, idOf: (item: Item) => unknown): Stored => {
    const [loaded, page] = [existing[name], incoming[name]] as (readonly Item[] | undefined)[];
    if (page === undefined) return loaded === undefined ? {} : { [name]: loaded };
    if (loaded === undefined || isAll) return { [name]: page };
    return { [name]: isNext || isBefore ? withNextPage(loaded, page, idOf, isBefore) : withFirstPage(loaded, page, idOf) };
  };
  const rowOf = (row: unknown): unknown => readField('id', row as Reference) ?? row;
  const lists = { ...put('nodes', rowOf), ...put('edges', (edge) => rowOf(readField('node', edge as Reference))) };
  const isLonger = Object.entries(lists).some(([name, items]) => (items as readonly Item[]).length > sizeOf(incoming[name]));
  const [start, end] = isBefore ? [newInfo, oldInfo] : isNext ? [oldInfo, newInfo] : [newInfo, isLonger ? oldInfo : newInfo];
  return {
    // What is of all rows that match is told by the first page, which is the newest.
    ...(isNext || isBefore ? { ...incoming, ...existing } : { ...existing, ...incoming }),
    ...lists,
    ...(newInfo === undefined && oldInfo === undefined ? {} : { pageInfo: pageInfoOf(start, end) }),
  };
}

function sizeOf(list: unknown): number {
  return Array.isArray(list) ? list.length : Number.POSITIVE_INFINITY;
}

const START = ['startCursor', 'hasPreviousPage'];
const END = ['endCursor', 'hasNextPage'];

/** Where what is loaded begins, and where it ends. */
function pageInfoOf(start: Stored | undefined, end: Stored | undefined): Stored {
  const info: Record<string, unknown> = { ...end, ...start };
  for (const name of START) if (start?.[name] !== undefined) info[name] = start[name];
  for (const name of END) if (end?.[name] !== undefined) info[name] = end[name];
  return info;
}
