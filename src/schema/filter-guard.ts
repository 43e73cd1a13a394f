/**
 * The guard over all filters. Every field with an argument that reaches an input type marked as narrowing gets it when the
 * types are built, so that no resolver has to ask for it: before the field is resolved, or subscribed to, what is written
 * in such arguments is walked beside its input types, and a variable without a value is refused.
 */
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLResolveInfo,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isListType,
  isObjectType,
  Kind,
} from 'graphql';
import { marksOf } from '../resolvers/marks.ts';
import { refuseUnsetInChange, refuseUnsetInRead, refuseUnsetPatch, type Written } from '../resolvers/unset-operands.ts';

type Place = GraphQLArgument | GraphQLInputField;
type AnyField = GraphQLField<unknown, unknown>;

/** Whether a part of the value may be lost without a trace. Cached: types stay what they are once a schema is there. */
const guardedPlaces = new WeakMap<Place, boolean>();

function isGuarded(place: Place, open: ReadonlySet<GraphQLNamedType> = new Set()): boolean {
  const known = guardedPlaces.get(place);
  if (known !== undefined) return known;
  const type = getNamedType(place.type);
  const found = marksOf(place).isPatch === true || marksOf(type).narrows !== undefined || reaches(type, open);
  if (open.size === 0) guardedPlaces.set(place, found);
  return found;
}

function reaches(type: GraphQLNamedType, open: ReadonlySet<GraphQLNamedType>): boolean {
  if (!isInputObjectType(type) || open.has(type)) return false;
  const below = new Set([...open, type]);
  return Object.values(type.getFields()).some((field) => isGuarded(field, below));
}

/** Guards the fields of a type. A field that is subscribed to is guarded once, and not again for each event. */
export function guardFilters(type: GraphQLNamedType): void {
  if (!isObjectType(type)) return;
  for (const field of Object.values(type.getFields())) {
    if (!field.args.some((argument) => isGuarded(argument))) continue;
    if (field.subscribe !== undefined) field.subscribe = guarded(field.subscribe);
    else if (field.resolve !== undefined) field.resolve = guarded(field.resolve);
    else throw new Error(`${type.name}.${field.name} takes a filter and has no resolver`);
  }
}

function guarded(resolve: NonNullable<AnyField['resolve']>): NonNullable<AnyField['resolve']> {
  return (source, args, context, info) => {
    refuseUnset(info);
    return resolve(source, args, context, info);
  };
}

/**
 * The types are those of the schema that is executed: other versions may know other tables.
 * @throws EngineError BAD_USER_INPUT naming the variable
 */
function refuseUnset(info: GraphQLResolveInfo): void {
  const args = info.parentType.getFields()[info.fieldName]?.args ?? [];
  const isChange = info.parentType === info.schema.getMutationType();
  const walk = isChange ? walkChange : walkRead;
  for (const argument of args) {
    if (!isGuarded(argument)) continue;
    for (const node of info.fieldNodes) {
      const value = node.arguments?.find(({ name }) => name.value === argument.name)?.value;
      if (value !== undefined) walk(argument, { value, place: argument.name, variables: info.variableValues });
    }
  }
}

function walkRead(at: Place, written: Written): void {
  if (marksOf(getNamedType(at.type)).narrows === undefined) walkBelow(at, written, walkRead);
  else refuseUnsetInRead(written);
}

function walkChange(at: Place, written: Written): void {
  const { narrows } = marksOf(getNamedType(at.type));
  if (narrows !== undefined) refuseUnsetInChange(written, narrows);
  else if (marksOf(at).isPatch === true) refuseUnsetPatch(written);
  else walkBelow(at, written, walkChange);
}

/** What is written in a list or an input object. Nothing can be lost inside of what a variable holds. */
function walkBelow(at: Place, { value, place, variables }: Written, walk: typeof walkRead): void {
  walkItems(at.type, { value, place, variables }, (item) => {
    const type = getNamedType(at.type);
    if (item.value.kind !== Kind.OBJECT || !isInputObjectType(type)) return;
    const fields = type.getFields();
    for (const { name, value: below } of item.value.fields) {
      const field = fields[name.value];
      if (field !== undefined && isGuarded(field)) walk(field, { value: below, place: `${item.place}.${name.value}`, variables });
    }
  });
}

/** A value that stands alone where a list is wanted is its only item. */
function walkItems(type: GraphQLInputType, written: Written, visit: (item: Written) => void): void {
  const { value, place, variables } = written;
  const nullable = getNullableType(type);
  if (!isListType(nullable) || value.kind !== Kind.LIST) visit(written);
  else
    for (const [index, item] of value.values.entries())
      walkItems(nullable.ofType, { value: item, place: `${place}[${index}]`, variables }, visit);
}
