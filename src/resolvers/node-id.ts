/**
 * Global ids: opaque, and stable over restarts. An id names what was asked for: at the present the row, the catalog or the
 * table itself, whose content changes while the id stays; at a named instant the version or the view of that snapshot, whose
 * content never changes.
 */
import { EngineError } from '../engine/index.ts';

export type NodeRef =
  | { readonly kind: 'table'; readonly tableId: number }
  | { readonly kind: 'snapshot'; readonly tableId: number; readonly snapshotId: number }
  | { readonly kind: 'commit'; readonly snapshotId: number }
  | { readonly kind: 'tag'; readonly name: string }
  | { readonly kind: 'view'; readonly snapshotId: number }
  | { readonly kind: 'tableView'; readonly tableId: number; readonly snapshotId: number }
  | { readonly kind: 'presentView' }
  | { readonly kind: 'presentTableView'; readonly tableId: number }
  | { readonly kind: 'rowVersion'; readonly tableId: number; readonly rowId: number; readonly snapshotId: number }
  | { readonly kind: 'row'; readonly tableId: number; readonly rowId: number };

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
  if ('snapshotId' in ref) parts.push(ref.snapshotId);
  return Buffer.from(parts.join(':'), 'latin1').toString('base64url');
}

/** @throws EngineError BAD_USER_INPUT where the text is no id of this API */
export function decodeNodeId(id: string): NodeRef {
  const text = Buffer.from(id, 'base64url').toString('utf8');
  if (text.startsWith(`${TAGS.tag}:`)) return { kind: 'tag', name: text.slice(2) };
  const [tag, ...rest] = Buffer.from(id, 'base64url').toString('latin1').split(':');
  const numbers = rest.map((part) => (/^\d{1,16}$/.test(part) ? Number(part) : Number.NaN));
  const [first = Number.NaN, second = Number.NaN, third = Number.NaN] = numbers;
  const shapes: Record<string, readonly [number, () => NodeRef]> = {
    T: [1, () => ({ kind: 'table', tableId: first })],
    S: [2, () => ({ kind: 'snapshot', tableId: first, snapshotId: second })],
    C: [1, () => ({ kind: 'commit', snapshotId: first })],
    V: [1, () => ({ kind: 'view', snapshotId: first })],
    W: [2, () => ({ kind: 'tableView', tableId: first, snapshotId: second })],
    P: [0, () => ({ kind: 'presentView' })],
    Q: [1, () => ({ kind: 'presentTableView', tableId: first })],
    R: [3, () => ({ kind: 'rowVersion', tableId: first, rowId: second, snapshotId: third })],
    I: [2, () => ({ kind: 'row', tableId: first, rowId: second })],
  };
  const shape = tag === undefined ? undefined : shapes[tag];
  if (shape === undefined || numbers.length !== shape[0] || numbers.some(Number.isNaN)) {
    throw new EngineError('BAD_USER_INPUT', 'this is not an id of a node', {
      hint: 'Pass the `id` of an object as this API gave it, or the `_rowId` of a row.',
    });
  }
  return shape[1]();
}
