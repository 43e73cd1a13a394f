/** Looks ahead in a selection: which fields are asked for below a field, through fragments whose type applies, @skip and @include. */
import {
  type FieldNode,
  GraphQLIncludeDirective,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';

/** Some field nodes, and the type of their values. */
export interface Selected {
  readonly type: GraphQLObjectType;
  readonly nodes: readonly FieldNode[];
}

/** The field that is resolved. `type`: that of its value, where the field's own is an interface. */
export function selectionOf(
  info: GraphQLResolveInfo,
  type: GraphQLNamedType | undefined = getNamedType(info.returnType),
): Selected | undefined {
  return isObjectType(type) ? { type, nodes: info.fieldNodes } : undefined;
}

/** The fields selected below some field nodes; one name may come more than once, under different aliases. */
export function selectedFields(info: GraphQLResolveInfo, { type, nodes }: Selected): FieldNode[] {
  const fields: FieldNode[] = [];
  for (const node of nodes) if (node.selectionSet !== undefined) collect(info, type, node.selectionSet, fields);
  return fields;
}

/** CollectFields of the GraphQL specification, without the grouping. */
function collect(info: GraphQLResolveInfo, type: GraphQLObjectType, set: SelectionSetNode, fields: FieldNode[]): void {
  for (const selection of set.selections) {
    if (getDirectiveValues(GraphQLSkipDirective, selection, info.variableValues)?.['if'] === true) continue;
    if (getDirectiveValues(GraphQLIncludeDirective, selection, info.variableValues)?.['if'] === false) continue;
    if (selection.kind === Kind.FIELD) {
      fields.push(selection);
      continue;
    }
    const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : info.fragments[selection.name.value];
    if (fragment !== undefined && applies(info, type, fragment.typeCondition?.name.value))
      collect(info, type, fragment.selectionSet, fields);
  }
}

/** DoesFragmentTypeApply of the GraphQL specification. */
function applies({ schema }: GraphQLResolveInfo, type: GraphQLObjectType, condition: string | undefined): boolean {
  if (condition === undefined || condition === type.name) return true;
  const named = schema.getType(condition);
  return isAbstractType(named) && schema.isSubType(named, type);
}

/** One of the fields, and the type of its value; undefined where that is no object. */
export function below({ type }: Selected, field: FieldNode): Selected | undefined {
  const definition = type.getFields()[field.name.value];
  const inner = definition === undefined ? undefined : getNamedType(definition.type);
  return isObjectType(inner) ? { type: inner, nodes: [field] } : undefined;
}

/** The fields at the end of a path of field names, for example ['edges', 'node']; undefined where the path leads to no objects. */
export function selectedBelow(info: GraphQLResolveInfo, path: readonly string[]): Selected | undefined {
  let selected = selectionOf(info);
  for (const name of path) {
    if (selected === undefined) return undefined;
    const definition = selected.type.getFields()[name];
    const type = definition === undefined ? undefined : getNamedType(definition.type);
    const nodes = selectedFields(info, selected).filter((field) => field.name.value === name);
    selected = isObjectType(type) ? { type, nodes } : undefined;
  }
  return selected;
}

/** Names of the fields selected below the end of a path of field names. */
export function selectedNames(info: GraphQLResolveInfo, path: readonly string[]): Set<string> {
  const selected = selectedBelow(info, path);
  return new Set(selected === undefined ? [] : selectedFields(info, selected).map((field) => field.name.value));
}

/**
 * The values of `after` and `before` of all fields below this one, down to the next `asOf`.
 * `typeName`: what the field's value is, where its own type is an interface
 */
export function cursorsBelow(info: GraphQLResolveInfo, typeName?: string): string[] {
  const selected = typeName === undefined ? selectionOf(info) : selectionOf(info, info.schema.getType(typeName));
  const cursors: string[] = [];
  if (selected !== undefined) visit(info, selected, cursors);
  return cursors;
}

function visit(info: GraphQLResolveInfo, selected: Selected, cursors: string[]): void {
  for (const field of selectedFields(info, selected)) {
    const definition = selected.type.getFields()[field.name.value];
    if (definition === undefined || field.name.value === 'asOf') continue;
    if (definition.args.some((argument) => argument.name === 'after') && (field.arguments ?? []).length > 0) {
      const values = getArgumentValues(definition, field, info.variableValues);
      for (const name of ['after', 'before']) if (typeof values[name] === 'string') cursors.push(values[name]);
    }
    const inner = below(selected, field);
    if (inner !== undefined && field.selectionSet !== undefined) visit(info, inner, cursors);
  }
}
