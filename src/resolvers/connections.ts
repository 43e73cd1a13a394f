/** Relay connections over what is not rows: ids that only grow, and short lists. */
import { asSnapshotId, EngineError, type IdRange, otherIncarnation, type PageArguments, pageSize } from '../engine/index.ts';

export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

export interface Connection<T> {
  readonly nodes: readonly T[];
  readonly edges: readonly { readonly cursor: string; readonly node: T }[];
  readonly pageInfo: PageInfo;
}

function connection<T>(
  nodes: readonly T[],
  cursorOf: (node: T) => string,
  more: { readonly next: boolean; readonly previous: boolean },
): Connection<T> {
  const edges = nodes.map((node) => ({ cursor: cursorOf(node), node }));
  return {
    nodes,
    edges,
    pageInfo: {
      hasNextPage: more.next,
      hasPreviousPage: more.previous,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

function encode(key: string | number): string {
  return Buffer.from(`k:${key}`, 'utf8').toString('base64url');
}

function decode(cursor: string, argument: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!text.startsWith('k:')) {
    throw new EngineError('CURSOR_INVALID', `${argument} is not a cursor of this list`, { hint: 'Pass the endCursor of the page before.' });
  }
  return text.slice(2);
}

/** A place in a list by snapshot ids, which after a restore from a backup are those of other commits. */
function encodeId(id: number, incarnation: string): string {
  return encode(`${incarnation}.${id}`);
}

function decodeId(cursor: string, argument: string, current: string): number {
  const [, given, id] = /^([\w-]{8})\.(\d{1,15})$/.exec(decode(cursor, argument)) ?? [];
  if (given === undefined) throw new EngineError('CURSOR_INVALID', `${argument} is not a cursor of this list`);
  if (given !== current) throw otherIncarnation({ what: argument, given, current }, 'CURSOR_INVALID');
  return Number(id);
}

/** Newest first: things with snapshot ids within [lo, hi], a page at a time. */
export async function newestFirst<T>(
  args: PageArguments,
  { lo, hi, incarnation }: { readonly lo: number; readonly hi: number; readonly incarnation: string },
  read: (range: IdRange) => Promise<readonly T[]>,
  idOf: (node: T) => number,
): Promise<Connection<T>> {
  const { limit, backward } = pageSize(args);
  const upper = args.after == null ? hi : Math.min(hi, decodeId(args.after, 'after', incarnation) - 1);
  const lower = args.before == null ? lo : Math.max(lo, decodeId(args.before, 'before', incarnation) + 1);
  const range = { lo: asSnapshotId(Math.max(0, lower)), hi: asSnapshotId(Math.max(0, upper)), descending: !backward, limit: limit + 1 };
  const found = lower > upper ? [] : await read(range);
  const more = found.length > limit;
  const nodes = found.slice(0, limit);
  if (backward) nodes.reverse();
  return connection(nodes, (node) => encodeId(idOf(node), incarnation), {
    next: backward ? args.before != null : more,
    previous: backward ? more : args.after != null,
  });
}

/** A list that is in memory as a whole. */
export function listConnection<T>(items: readonly T[], args: PageArguments, keyOf: (item: T) => string | number): Connection<T> {
  const { limit, backward } = pageSize(args);
  const position = (cursor: string, argument: string): number => {
    const key = decode(cursor, argument);
    const at = items.findIndex((item) => String(keyOf(item)) === key);
    if (at < 0) throw new EngineError('CURSOR_INVALID', `${argument} is a cursor of something that is no longer in the list`);
    return at;
  };
  const start = args.after == null ? 0 : position(args.after, 'after') + 1;
  const end = args.before == null ? items.length : position(args.before, 'before');
  const slice = items.slice(start, end);
  const nodes = backward ? slice.slice(Math.max(0, slice.length - limit)) : slice.slice(0, limit);
  const cut = slice.length > nodes.length;
  return connection(nodes, (item) => encode(keyOf(item)), {
    next: backward ? args.before != null : cut,
    previous: backward ? cut : args.after != null,
  });
}
