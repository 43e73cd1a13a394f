/** What Tidemark's ids tell its own clients: which snapshot a view is of, and which version of a row an object is. */

/** A list that changes were merged into is no view of a past instant any more: its view goes by an id of its own. */
const OWN = '+';

function parts(id: unknown): readonly string[] {
  if (typeof id !== 'string') return [];
  try {
    return atob(id.endsWith(OWN) ? id.slice(0, -1) : id).split(':');
  } catch {
    return [];
  }
}

/** The snapshot that a view of the catalog is of, by its id; undefined where it is no such id. */
export function snapshotOfView(id: unknown): number | undefined {
  const [kind, snapshotId] = parts(id);
  return kind === 'V' ? Number(snapshotId) : undefined;
}

/** The snapshot that made a version of a row, by its `id`; undefined where that is not selected. */
export function snapshotOfRow(row: object): number | undefined {
  const [kind, , , snapshotId] = parts((row as { readonly id?: unknown }).id);
  return kind === 'R' ? Number(snapshotId) : undefined;
}

/** The id of a view once it has been changed: what reads the instant itself never finds it. */
export function changedViewId(id: unknown): string | undefined {
  const [kind] = parts(id);
  if (typeof id !== 'string' || (kind !== 'V' && kind !== 'W')) return undefined;
  return id.endsWith(OWN) ? id : `${id}${OWN}`;
}
