/** Looks ahead in a selection: which fields are asked for below a field, through fragments, @skip and @include. */
import {
  type FieldNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';

/** The fields selected below some field nodes; one name may come more than once, under different aliases. */
export function selectedFields(info: GraphQLResolveInfo, nodes: readonly FieldNode[] = info.fieldNodes): FieldNode[] {
  const fields: FieldNode[] = [];
  for (const node of nodes) if (node.selectionSet !== undefined) collect(info, node.selectionSet, fields);
  return fields;
}

function collect(info: GraphQLResolveInfo, set: SelectionSetNode, fields: FieldNode[]): void {
  for (const selection of set.selections) {
    if (getDirectiveValues(GraphQLSkipDirective, selection, info.variableValues)?.['if'] === true) continue;
    if (getDirectiveValues(GraphQLIncludeDirective, selection, info.variableValues)?.['if'] === false) continue;
    if (selection.kind === Kind.FIELD) fields.push(selection);
    else if (selection.kind === Kind.INLINE_FRAGMENT) collect(info, selection.selectionSet, fields);
    else {
      const fragment = info.fragments[selection.name.value];
      if (fragment !== undefined) collect(info, fragment.selectionSet, fields);
    }
  }
}

/** The fields at the end of a path of field names, for example ['edges', 'node']. */
export function selectedBelow(info: GraphQLResolveInfo, path: readonly string[]): readonly FieldNode[] {
  let nodes: readonly FieldNode[] = info.fieldNodes;
  for (const name of path) nodes = selectedFields(info, nodes).filter((field) => field.name.value === name);
  return nodes;
}

/** Names of the fields selected below the end of a path of field names. */
export function selectedNames(info: GraphQLResolveInfo, path: readonly string[]): Set<string> {
  return new Set(selectedFields(info, selectedBelow(info, path)).map((field) => field.name.value));
}

/**
 * The values of `after` and `before` of all fields below this one, down to the next `asOf`.
 * `typeName`: what the field's value is, where its own type is an interface
 */
export function cursorsBelow(info: GraphQLResolveInfo, typeName?: string): string[] {
  const type = typeName === undefined ? getNamedType(info.returnType) : info.schema.getType(typeName);
  const cursors: string[] = [];
  if (isObjectType(type)) visit(info, type, info.fieldNodes, cursors);
  return cursors;
}

function visit(info: GraphQLResolveInfo, type: GraphQLObjectType, nodes: readonly FieldNode[], cursors: string[]): void {
  for (const field of selectedFields(info, nodes)) {
    const definition = type.getFields()[field.name.value];
    if (definition === undefined || field.name.value === 'asOf') continue;
    if (definition.args.some((argument) => argument.name === 'after') && (field.arguments ?? []).length > 0) {
      const values = getArgumentValues(definition, field, info.variableValues);
      for (const name of ['after', 'before']) if (typeof values[name] === 'string') cursors.push(values[name]);
    }
    const below = getNamedType(definition.type);
    if (isObjectType(below) && field.selectionSet !== undefined) visit(info, below, [field], cursors);
  }
}
