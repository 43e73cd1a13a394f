/** Relay connections over what is not rows: ids that only grow, and short lists. */
import { asSnapshotId, EngineError, type IdRange, otherIncarnation, type PageArguments, pageSize } from '../engine/index.ts';

export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

/** What a page holds, and where it lies. */
export interface Page<Node> {
  readonly nodes: readonly Node[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** The cursor of a node of this page, by its position. */
  cursorAt(index: number): string;
  /** Counts the page once more, where it is written under another alias or field: its values are made again. */
  readonly again?: (() => void) | undefined;
}

export interface Edge<Node> {
  readonly cursor: () => string;
  readonly node: Node;
}

/** A list as Relay has it: a page of it, and how long it is in all. Each is read once, when a field first needs it. */
export class Connection<Node> {
  readonly #read: () => Page<Node> | Promise<Page<Node>>;
  readonly #count: () => number | Promise<number>;
  #page: Promise<Page<Node>> | undefined;
  #total: Promise<number> | undefined;
  #isWritten = false;

  constructor(read: () => Page<Node> | Promise<Page<Node>>, count: () => number | Promise<number>) {
    this.#read = read;
    this.#count = count;
  }

  page(): Promise<Page<Node>> {
    this.#page ??= (async () => this.#read())();
    return this.#page;
  }

  async #written(): Promise<Page<Node>> {
    const page = await this.page();
    if (this.#isWritten) page.again?.();
    this.#isWritten = true;
    return page;
  }

  async nodes(): Promise<readonly Node[]> {
    return (await this.#written()).nodes;
  }

  async edges(): Promise<Edge<Node>[]> {
    const page = await this.#written();
    return page.nodes.map((node, index) => ({ cursor: () => page.cursorAt(index), node }));
  }

  async pageInfo(): Promise<PageInfo> {
    const page = await this.page();
    const last = page.nodes.length - 1;
    return {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: page.hasPreviousPage,
      startCursor: last < 0 ? null : page.cursorAt(0),
      endCursor: last < 0 ? null : page.cursorAt(last),
    };
  }

  totalCount(): Promise<number> {
    this.#total ??= (async () => this.#count())();
    return this.#total;
  }
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

interface NewestFirst<T> {
  readonly range: { readonly lo: number; readonly hi: number; readonly incarnation: string };
  readonly read: (range: IdRange) => Promise<readonly T[]>;
  readonly idOf: (node: T) => number;
  /** How many there are in the range, of all pages. */
  readonly count: () => number | Promise<number>;
}

/** Newest first: things with snapshot ids within a range, a page at a time. */
export function newestFirst<T>(args: PageArguments, { range, read, idOf, count }: NewestFirst<T>): Connection<T> {
  const { limit, backward } = pageSize(args);
  const upper = args.after == null ? range.hi : Math.min(range.hi, decodeId(args.after, 'after', range.incarnation) - 1);
  const lower = args.before == null ? range.lo : Math.max(range.lo, decodeId(args.before, 'before', range.incarnation) + 1);
  const ids = { lo: asSnapshotId(Math.max(0, lower)), hi: asSnapshotId(Math.max(0, upper)), descending: !backward, limit: limit + 1 };
  return new Connection(async () => {
    const found = lower > upper ? [] : await read(ids);
    const more = found.length > limit;
    const nodes = found.slice(0, limit);
    if (backward) nodes.reverse();
    return {
      nodes,
      hasNextPage: backward ? args.before != null : more,
      hasPreviousPage: backward ? more : args.after != null,
      cursorAt: (index) => encodeId(idOf(nodes[index] as T), range.incarnation),
    };
  }, count);
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
  const page: Page<T> = {
    nodes,
    hasNextPage: backward ? args.before != null : cut,
    hasPreviousPage: backward ? cut : args.after != null,
    cursorAt: (index) => encode(keyOf(nodes[index] as T)),
  };
  return new Connection(
    () => page,
    () => items.length,
  );
}
