/** Pages of rows put together, by the rows' identities: a first page that comes again, live or by a refetch, leaves those behind it. */

/**
 * What is loaded with a first page that came again. Within the reach of the page, what it lacks is gone; what lay behind
 * stays, also where new rows have pushed it further down.
 * `idOf`: the identity of a row
 */
export function withFirstPage<Item>(loaded: readonly Item[], page: readonly Item[], idOf: (item: Item) => unknown): Item[] {
  const fresh = new Set(page.map(idOf));
  const isFresh = (item: Item | undefined): boolean => item !== undefined && fresh.has(idOf(item));
  // Rows that have moved up since, to fill the page.
  let reach = page.length;
  while (isFresh(loaded[reach])) reach += 1;
  if (reach === page.length) {
    reach = Math.min(reach, loaded.length);
    while (reach > 0 && !isFresh(loaded[reach - 1])) reach -= 1;
  }
  return [...page, ...loaded.slice(reach).filter((item) => !isFresh(item))];
}

/** What is loaded with a page that lies behind it, or before it. */
export function withNextPage<Item>(
  loaded: readonly Item[],
  page: readonly Item[],
  idOf: (item: Item) => unknown,
  isBefore = false,
): Item[] {
  const known = new Set(loaded.map(idOf));
  const added = page.filter((item) => !known.has(idOf(item)));
  return isBefore ? [...added, ...loaded] : [...loaded, ...added];
}

/** Arguments that say which list it is; the others say which page of it. Null is as good as left out. */
export function listKey(args: Readonly<Record<string, unknown>> | null | undefined): string {
  const given = Object.entries(args ?? {}).filter(([name, value]) => value != null && !PAGE.has(name));
  return JSON.stringify(given.sort(([left], [right]) => (left < right ? -1 : 1)));
}

const PAGE: ReadonlySet<string> = new Set(['first', 'after', 'last', 'before']);
