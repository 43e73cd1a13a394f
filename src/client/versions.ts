/** What Tidemark's ids tell its own clients. */

/** A list that changes were merged into is no view of a past instant any more: its view goes by an id of its own. */
const OWN = '+';

function kindOf(id: unknown): string | undefined {
  if (typeof id !== 'string') return undefined;
  try {
    return atob((id.endsWith(OWN) ? id.slice(0, -1) : id).replaceAll('-', '+').replaceAll('_', '/')).split(':')[0];
  } catch {
    return undefined;
  }
}

/** Whether a view is the present, whose content changes under one id. */
export function isPresentView(id: unknown): boolean {
  return kindOf(id) === 'P';
}

/** Whether an id is of a row as it is now, not of one version. */
export function isRowId(id: unknown): id is string {
  return kindOf(id) === 'I';
}

/** Whether an id is of one version of a row. */
export function isVersionId(id: unknown): boolean {
  return kindOf(id) === 'R';
}

/** The id of a view once it has been changed: what reads the instant itself never finds it. The present stays the present. */
export function changedViewId(id: unknown): string | undefined {
  const kind = kindOf(id);
  if (typeof id !== 'string' || (kind !== 'V' && kind !== 'W')) return undefined;
  return id.endsWith(OWN) ? id : `${id}${OWN}`;
}

/** The id of a view as of a commit that has been overtaken: what shows the present never finds it. */
export function overtakenViewId(snapshotId: number): string {
  return `overtaken:${snapshotId}`;
}
