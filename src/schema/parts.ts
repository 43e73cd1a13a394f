/**
 * The GraphQL types in parts: the fixed one, and one a table. A part is built once and shared by all versions of the
 * schema. What differs from version to version, the types that tables add fields to and all that leads to them, is only
 * noted in the parts; assemble.ts makes it anew.
 */
import {
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInterfaceType,
  GraphQLList,
  type GraphQLNamedType,
  GraphQLNonNull,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  validateSchema,
} from 'graphql';
import { tableTypeName } from '../engine/index.ts';
import type { TypedTable } from '../resolvers/table-types.ts';
import { buildSchema } from './build.ts';

/** The types that each table adds fields to. */
const GROWING: ReadonlySet<string> = new Set(['Query', 'CatalogView', 'CatalogDiff', 'Mutation', 'Subscription', 'CommitOperation']);

type AnyField = GraphQLField<unknown, unknown> | GraphQLInputField;

export interface Part {
  /** Types that every version of the schema shares. */
  readonly shared: readonly GraphQLNamedType[];
  /** Types that lead to a growing one, or are one: they are copied for each version. */
  readonly copied: readonly GraphQLNamedType[];
}

export interface FixedPart extends Part {
  readonly schema: GraphQLSchema;
}

export interface TablePart extends Part {
  readonly typed: TypedTable;
  /** The fields that the table adds to growing types, by the name of the type. */
  readonly added: ReadonlyMap<string, readonly AnyField[]>;
  /** Names of its types, and of the fields that it adds, each under the name of the type that it is added to. */
  readonly names: readonly string[];
}

/** The API without any table. */
export function fixedPart(): FixedPart {
  const schema = buildSchema([]);
  return { schema, ...divided(Object.values(schema.getTypeMap()), GROWING) };
}

/**
 * Builds the types of some tables, together: the fixed types have to be built beside them, only to be left away.
 * @throws where the types of any of the tables cannot be built or are no valid GraphQL
 */
export function tableParts(fixed: FixedPart, tables: readonly TypedTable[]): TablePart[] {
  const built = buildSchema(tables);
  const [error] = validateSchema(built);
  if (error !== undefined) throw error;
  const fixedTypes = fixed.schema.getTypeMap();
  const copied = new Set([...GROWING, ...fixed.copied.map(({ name }) => name)]);
  const own = Object.values(built.getTypeMap()).filter(({ name }) => fixedTypes[name] === undefined);
  const added = addedFields(fixed, built);
  const owners = ownersOf(tables, added, fixedTypes);
  for (const type of own) rewire(type, fixedTypes);
  for (const fields of added.values()) for (const field of fields) rewireField(field, fixedTypes);
  return tables.map((typed) => {
    const types = own.filter(({ name }) => owners.types.get(name) === typed);
    const its = new Map([...added].map(([name, fields]) => [name, fields.filter((field) => owners.fields.get(field) === typed)]));
    const names = [...types.map(({ name }) => name), ...[...its].flatMap(([type, fields]) => fields.map(({ name }) => `${type}.${name}`))];
    return { typed, ...divided(types, copied), added: its, names };
  });
}

function addedFields(fixed: FixedPart, built: GraphQLSchema): Map<string, AnyField[]> {
  const added = new Map<string, AnyField[]>();
  for (const type of Object.values(fixed.schema.getTypeMap())) {
    const before = fieldsOf(type);
    const fields = Object.values(fieldsOf(built.getType(type.name))).filter(({ name }) => before[name] === undefined);
    if (fields.length === 0) continue;
    if (!GROWING.has(type.name)) throw new Error(`tables add fields to ${type.name}, which is not among the growing types`);
    added.set(type.name, fields);
  }
  return added;
}

/** Types by which a table is known. */
const MARKS = ['Row', 'RowInput', 'Filter'] as const;

/** Which table each type and each added field is of: that whose rows, or filter, they lead to. */
function ownersOf(tables: readonly TypedTable[], added: ReadonlyMap<string, readonly AnyField[]>, fixedTypes: TypeMap) {
  const byMark = new Map(tables.flatMap((typed) => MARKS.map((mark) => [tableTypeName(typed.prefix, mark), typed] as const)));
  const types = new Map<string, TypedTable>();
  const fields = new Map<AnyField, TypedTable>();
  for (const field of [...added.values()].flat()) {
    const reached = new Set<string>();
    const open = typesOf(field);
    for (let type = open.pop(); type !== undefined; type = open.pop()) {
      if (fixedTypes[type.name] !== undefined || reached.has(type.name)) continue;
      reached.add(type.name);
      open.push(...referred(type));
    }
    const mark = [...reached].find((name) => byMark.has(name));
    const owner = mark === undefined ? undefined : byMark.get(mark);
    if (owner === undefined) throw new Error(`the field ${field.name} leads to the rows of no table`);
    fields.set(field, owner);
    for (const name of reached) types.set(name, owner);
  }
  return { types, fields };
}

type TypeMap = Readonly<Record<string, GraphQLNamedType | undefined>>;

/** The fields of an object, interface or input; none of any other type. */
export function fieldsOf(type: GraphQLNamedType | undefined): Readonly<Record<string, AnyField>> {
  return isObjectType(type) || isInterfaceType(type) || isInputObjectType(type) ? type.getFields() : {};
}

function typesOf(field: AnyField): GraphQLNamedType[] {
  return [getNamedType(field.type), ...('args' in field ? field.args.map(({ type }) => getNamedType(type)) : [])];
}

function referred(type: GraphQLNamedType): GraphQLNamedType[] {
  return Object.values(fieldsOf(type)).flatMap(typesOf);
}

/** Tells the types that are copied, since they lead to one that is, from those that are shared. */
function divided(types: readonly GraphQLNamedType[], copied: ReadonlySet<string>): Part {
  const names = new Set(copied);
  for (let before = -1; before !== names.size; ) {
    before = names.size;
    for (const type of types) if (referred(type).some(({ name }) => names.has(name))) names.add(type.name);
  }
  return { shared: types.filter(({ name }) => !names.has(name)), copied: types.filter(({ name }) => names.has(name)) };
}

/** Makes a table's type refer to the fixed types that are in use, and not to those that were built beside it. */
function rewire(type: GraphQLNamedType, fixedTypes: TypeMap): void {
  for (const field of Object.values(fieldsOf(type))) rewireField(field, fixedTypes);
  if (!isObjectType(type)) return;
  // The type's own list.
  const interfaces = type.getInterfaces() as GraphQLInterfaceType[];
  for (const [index, one] of interfaces.entries()) {
    const inUse = fixedTypes[one.name];
    if (isInterfaceType(inUse)) interfaces[index] = inUse;
  }
}

function rewireField(field: AnyField, fixedTypes: TypeMap): void {
  field.type = withNamed(field.type, fixedTypes);
  if ('args' in field) for (const argument of field.args) argument.type = withNamed(argument.type, fixedTypes);
}

/** A type with another named type of the same name inside, where there is one. */
export function withNamed<Type extends GraphQLType>(type: Type, named: TypeMap): Type {
  if (isNonNullType(type)) return new GraphQLNonNull(withNamed(type.ofType, named)) as unknown as Type;
  if (isListType(type)) return new GraphQLList(withNamed(type.ofType, named)) as unknown as Type;
  return (named[(type as GraphQLNamedType).name] ?? type) as Type;
}
