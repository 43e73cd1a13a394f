/** The fields of a selection, through its fragments. */
import { type DocumentNode, type FieldNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql';

export function fragmentNamed({ definitions }: DocumentNode, name: string): FragmentDefinitionNode | undefined {
  return definitions.find((one): one is FragmentDefinitionNode => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === name);
}

/** The fields of a selection, also those that stand in fragments. */
export function fieldsOf(
  document: DocumentNode,
  { selections }: SelectionSetNode,
  seen: ReadonlySet<string> = new Set(),
): readonly FieldNode[] {
  return selections.flatMap((one) => {
    if (one.kind === Kind.FIELD) return [one];
    if (one.kind === Kind.INLINE_FRAGMENT) return fieldsOf(document, one.selectionSet, seen);
    const name = one.name.value;
    const fragment = fragmentNamed(document, name);
    return fragment === undefined || seen.has(name) ? [] : fieldsOf(document, fragment.selectionSet, new Set([...seen, name]));
  });
}

/** The key of a field in an answer. */
export function keyOf({ alias, name }: FieldNode): string {
  return alias?.value ?? name.value;
}
