/**
 * Global ids: opaque, and stable over restarts. An id names what was asked for: at the present the row, the catalog or the
 * table itself, whose content changes while the id stays; at a named instant the version or the view of that snapshot, whose
 * content never changes. What names a snapshot also names the incarnation of the database, since after a restore from a
 * backup the same number is another commit.
 */
import { EngineError, otherIncarnation } from '../engine/index.ts';

export type NodeRef =
  | { readonly kind: 'table'; readonly tableId: number }
  | { readonly kind: 'tag'; readonly name: string }
  | { readonly kind: 'presentView' }
  | { readonly kind: 'presentTableView'; readonly tableId: number }
  | { readonly kind: 'row'; readonly tableId: number; readonly rowId: number }
  | SnapshotRef;

/** What names a snapshot. */
type SnapshotRef = { readonly snapshotId: number; readonly incarnation: string } & (
  | { readonly kind: 'snapshot'; readonly tableId: number }
  | { readonly kind: 'commit' }
  | { readonly kind: 'view' }
  | { readonly kind: 'tableView'; readonly tableId: number }
  | { readonly kind: 'rowVersion'; readonly tableId: number; readonly rowId: number }
);

const TAGS = {
  table: 'T',
  snapshot: 'S',
  commit: 'C',
  tag: 'G',
  view: 'V',
  tableView: 'W',
  presentView: 'P',
  presentTableView: 'Q',
  rowVersion: 'R',
  row: 'I',
} as const;

export function encodeNodeId(ref: NodeRef): string {
  if (ref.kind === 'tag') return Buffer.from(`${TAGS.tag}:${ref.name}`, 'utf8').toString('base64url');
  const parts: (string | number)[] = [TAGS[ref.kind]];
  if ('tableId' in ref) parts.push(ref.tableId);
  if ('rowId' in ref) parts.push(ref.rowId);
  if ('snapshotId' in ref) parts.push(ref.snapshotId, ref.incarnation);
  return Buffer.from(parts.join(':'), 'latin1').toString('base64url');
}

/** How many numbers an id of each kind has. */
const SHAPES: Readonly<Record<string, readonly [numbers: number, (numbers: readonly number[], incarnation: string) => NodeRef]>> = {
  T: [1, ([tableId = 0]) => ({ kind: 'table', tableId })],
  S: [2, ([tableId = 0, snapshotId = 0], incarnation) => ({ kind: 'snapshot', tableId, snapshotId, incarnation })],
  C: [1, ([snapshotId = 0], incarnation) => ({ kind: 'commit', snapshotId, incarnation })],
  V: [1, ([snapshotId = 0], incarnation) => ({ kind: 'view', snapshotId, incarnation })],
  W: [2, ([tableId = 0, snapshotId = 0], incarnation) => ({ kind: 'tableView', tableId, snapshotId, incarnation })],
  P: [0, () => ({ kind: 'presentView' })],
  Q: [1, ([tableId = 0]) => ({ kind: 'presentTableView', tableId })],
  R: [3, ([tableId = 0, rowId = 0, snapshotId = 0], incarnation) => ({ kind: 'rowVersion', tableId, rowId, snapshotId, incarnation })],
  I: [2, ([tableId = 0, rowId = 0]) => ({ kind: 'row', tableId, rowId })],
};
const OF_SNAPSHOTS = 'SCVWR';

/**
 * What an id names.
 * @throws EngineError BAD_USER_INPUT where the text is no id of this API; SNAPSHOT_NOT_FOUND where it names a snapshot of
 *   another incarnation of the database
 */
export function decodeNodeId(id: string, current: string): NodeRef {
  const text = Buffer.from(id, 'base64url').toString('utf8');
  if (text.startsWith(`${TAGS.tag}:`)) return { kind: 'tag', name: text.slice(2) };
  const [tag = '', ...rest] = Buffer.from(id, 'base64url').toString('latin1').split(':');
  const incarnation = tag !== '' && OF_SNAPSHOTS.includes(tag) ? (rest.pop() ?? '') : current;
  const [count, refOf] = SHAPES[tag] ?? [];
  if (refOf === undefined || rest.length !== count || !rest.every((part) => /^\d{1,16}$/.test(part)) || !/^[\w-]{8}$/.test(incarnation))
    throw new EngineError('BAD_USER_INPUT', 'this is not an id of a node', {
      hint: 'Pass the `id` of an object as this API gave it, or the `_rowId` of a row.',
    });
  if (incarnation !== current) throw otherIncarnation({ what: 'the id', given: incarnation, current }, 'SNAPSHOT_NOT_FOUND');
  return refOf(rest.map(Number), incarnation);
}

/** The row that an id is of, of whatever incarnation, and whether it is of one version of it; undefined for all other text. */
export function rowOfId(id: string): { readonly tableId: number; readonly rowId: number; readonly isVersion: boolean } | undefined {
  const [tag, tableId, rowId, ...rest] = Buffer.from(id, 'base64url').toString('latin1').split(':');
  const isVersion = tag === TAGS.rowVersion;
  if (!isVersion && tag !== TAGS.row) return undefined;
  if (rest.length !== (isVersion ? 2 : 0) || ![tableId, rowId].every((part) => part !== undefined && /^\d{1,16}$/.test(part)))
    return undefined;
  return { tableId: Number(tableId), rowId: Number(rowId), isVersion };
}
