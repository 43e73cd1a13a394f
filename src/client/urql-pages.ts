/** For urql's graphcache: pages of one list in one. */
import { listKey, withFirstPage, withNextPage } from './pages.ts';

type Arguments = Readonly<Record<string, unknown>>;

/** The part of graphcache's cache that is used here. */
interface ReadingCache {
  inspectFields(entity: string): readonly { readonly fieldKey: string; readonly fieldName: string; readonly arguments: Arguments | null }[];
  resolve(entity: string, field: string, args?: Arguments | null): unknown;
}
interface FieldInfo {
  readonly parentKey: string;
  readonly fieldName: string;
}

type Fields = Record<string, string | boolean | null | undefined>;

/** What is loaded of one list: keys of rows, and edges, whose nodes are such keys. */
interface Loaded {
  readonly nodes: string[];
  readonly edges: Fields[];
}

interface PageOf extends Loaded {
  readonly args: Arguments;
  readonly typename: string;
  readonly info: Fields;
}

/** As graphcache takes it from a resolver. */
type Answer = { __typename: string; nodes: string[]; edges: Fields[]; pageInfo: Fields };

const INFO = ['__typename', 'startCursor', 'endCursor', 'hasNextPage', 'hasPreviousPage'] as const;

/**
 * A resolver for a list that is loaded page by page: `resolvers: { CatalogView: { orders: rowPages() } }`. It answers with all
 * pages that were loaded. If the first page comes again, from a live query or a refetch, the pages behind it stay.
 */
export function rowPages(): (parent: unknown, args: Arguments, cache: ReadingCache, info: FieldInfo) => Answer | undefined {
  const loadedOf = new WeakMap<ReadingCache, Map<string, Loaded>>();
  return (_parent, args, cache, { parentKey, fieldName }) => {
    // A page that is not there yet is to be asked for.
    if (typeof cache.resolve(parentKey, fieldName, args) !== 'string') return undefined;
    const list = listKey(args);
    const pages = cache
      .inspectFields(parentKey)
      .filter((field) => field.fieldName === fieldName && listKey(field.arguments) === list)
      .flatMap((field) => pageAt(cache, parentKey, field.fieldKey, field.arguments ?? {}));
    const first = pages.filter(({ args: { after, before } }) => after == null && before == null).at(-1);
    if (first === undefined) return undefined;
    const lists = loadedOf.get(cache) ?? new Map<string, Loaded>();
    loadedOf.set(cache, lists);
    const key = `${parentKey}.${fieldName} ${list}`;
    const isAll = first.info['hasNextPage'] === false;
    const before = lists.get(key) ?? { nodes: [], edges: [] };
    let loaded: Loaded = isAll
      ? first
      : { nodes: withFirstPage(before.nodes, first.nodes, (node) => node), edges: withFirstPage(before.edges, first.edges, nodeOf) };
    const others = isAll ? [] : pages.filter(({ args: { after, before } }) => after != null || before != null);
    for (const page of others) {
      const isBefore = page.args['before'] != null;
      loaded = {
        nodes: withNextPage(loaded.nodes, page.nodes, (node) => node, isBefore),
        edges: withNextPage(loaded.edges, page.edges, nodeOf, isBefore),
      };
    }
    const [start, end] = [outermost(others, 'before', 'startCursor'), outermost(others, 'after', 'endCursor')];
    const info = { ...first.info, ...pick(start?.info, 'startCursor', 'hasPreviousPage'), ...pick(end?.info, 'endCursor', 'hasNextPage') };
    lists.set(key, loaded);
    return { __typename: first.typename, nodes: loaded.nodes, edges: loaded.edges, pageInfo: info };
  };
}

function nodeOf(edge: Fields): unknown {
  return edge['node'];
}

/** The page that no other one goes on from. */
function outermost(pages: readonly PageOf[], argument: string, cursor: string): PageOf | undefined {
  const chain = pages.filter(({ args }) => args[argument] != null);
  return chain.filter(({ info }) => !chain.some(({ args }) => args[argument] === info[cursor])).at(-1);
}

function pick(info: Fields | undefined, ...names: readonly string[]): Fields {
  return info === undefined ? {} : Object.fromEntries(names.map((name) => [name, info[name]]));
}

function pageAt(cache: ReadingCache, parent: string, fieldKey: string, args: Arguments): PageOf[] {
  const key = cache.resolve(parent, fieldKey);
  if (typeof key !== 'string') return [];
  const read = (entity: string, field: string) => cache.resolve(entity, field) as Fields[string];
  const edges = (cache.resolve(key, 'edges') ?? []) as readonly string[];
  const info = cache.resolve(key, 'pageInfo');
  return [
    {
      args,
      typename: String(cache.resolve(key, '__typename')),
      nodes: (cache.resolve(key, 'nodes') ?? []) as string[],
      edges: edges.map((edge) => ({
        __typename: read(edge, '__typename'),
        cursor: read(edge, 'cursor'),
        node: read(edge, 'node'),
      })),
      info: typeof info !== 'string' ? {} : Object.fromEntries(INFO.map((name) => [name, read(info, name)])),
    },
  ];
}
