/** Documents whose answers tell the snapshot that they are of: a few fields are added before they are sent, under names of their own. */
import { type DocumentNode, type FieldNode, Kind, type SelectionNode, type SelectionSetNode } from 'graphql';
import { fieldsOf, fragmentNamed } from './selections.ts';

/** The names under which an answer tells: in a view, and in what a mutation answers with. */
export const TOLD = { viewId: 'tidemarkViewId', snapshotId: 'tidemarkSnapshotId', commit: 'tidemarkCommit' } as const;

const field = (alias: string, name: string, selections?: readonly SelectionNode[]): FieldNode => ({
  kind: Kind.FIELD,
  alias: { kind: Kind.NAME, value: alias },
  name: { kind: Kind.NAME, value: name },
  ...(selections === undefined ? {} : { selectionSet: { kind: Kind.SELECTION_SET, selections } }),
});
const OF_VIEW = [field(TOLD.viewId, 'id'), field(TOLD.snapshotId, 'snapshotId')];
const OF_PAYLOAD = [field(TOLD.commit, 'commit', [field('snapshotId', 'snapshotId')])];

/** Where a selection stands: at the root of a query or a subscription, of a mutation, or in what a mutation answers with. */
type Level = 'query' | 'mutation' | 'payload';

const told = new WeakMap<DocumentNode, DocumentNode>();

/** The document with these fields in it; the same one each time. */
export function toldDocument(document: DocumentNode): DocumentNode {
  let asked = told.get(document);
  if (asked === undefined) {
    asked = tell(document);
    told.set(document, asked);
  }
  return asked;
}

function tell(document: DocumentNode): DocumentNode {
  /** Fragments that stand at one of the levels. */
  const levels = new Map<string, Level>();
  const toldField = (one: FieldNode, level: Level): FieldNode => {
    const { selectionSet } = one;
    const name = one.name.value;
    if (selectionSet === undefined) return one;
    const isView = level === 'payload' ? name === 'view' : name === 'asOf' || name === 'live';
    if (isView) return { ...one, selectionSet: extended(selectionSet, OF_VIEW) };
    if (level !== 'mutation') return one;
    const hasRows = fieldsOf(document, selectionSet).some((below) => below.name.value === 'rows' || below.name.value === 'view');
    return hasRows ? { ...one, selectionSet: extended(selection(selectionSet, 'payload'), OF_PAYLOAD) } : one;
  };
  const selection = (set: SelectionSetNode, level: Level): SelectionSetNode => ({
    ...set,
    selections: set.selections.map((one): SelectionNode => {
      if (one.kind === Kind.FIELD) return toldField(one, level);
      if (one.kind === Kind.INLINE_FRAGMENT) return { ...one, selectionSet: selection(one.selectionSet, level) };
      const name = one.name.value;
      const fragment = levels.has(name) ? undefined : fragmentNamed(document, name);
      levels.set(name, level);
      // The fragments in it stand at the same level.
      if (fragment !== undefined) selection(fragment.selectionSet, level);
      return one;
    }),
  });
  const operations = document.definitions.map((one) =>
    one.kind === Kind.OPERATION_DEFINITION
      ? { ...one, selectionSet: selection(one.selectionSet, one.operation === 'mutation' ? 'mutation' : 'query') }
      : one,
  );
  const definitions = operations.map((one) => {
    const level = one.kind === Kind.FRAGMENT_DEFINITION ? levels.get(one.name.value) : undefined;
    return one.kind !== Kind.FRAGMENT_DEFINITION || level === undefined
      ? one
      : { ...one, selectionSet: selection(one.selectionSet, level) };
  });
  return { kind: document.kind, definitions };
}

function extended(set: SelectionSetNode, fields: readonly FieldNode[]): SelectionSetNode {
  return { ...set, selections: [...set.selections, ...fields] };
}
