/** Puts a version of the GraphQL schema together from its parts. Its cost is that of what is copied, not of all types. */
import {
  type GraphQLAbstractType,
  type GraphQLField,
  GraphQLInputObjectType,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  GraphQLObjectType,
  GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isObjectType,
  isUnionType,
} from 'graphql';
import { type FixedPart, type Part, type TablePart, withNamed } from './parts.ts';

type Named = Record<string, GraphQLNamedType>;

/** The parts must have no name of a type or of an added field twice. Yields after each part of the work. */
export function* assemble(fixed: FixedPart, parts: readonly TablePart[]): Generator<undefined, GraphQLSchema> {
  const copies = Object.create(null) as Named;
  const all: readonly Part[] = [fixed, ...parts];
  for (const { copied } of all) for (const type of copied) copies[type.name] = copyOf(type);
  yield;
  for (const { copied } of all) {
    for (const type of copied) fill(copies[type.name], type, Object.values(isFielded(type) ? type.getFields() : {}), copies);
    yield;
  }
  for (const { added } of parts) {
    for (const [name, fields] of added) fill(copies[name], copies[name], fields, copies);
    yield;
  }
  const types = Object.create(null) as Named;
  for (const { name } of Object.values(fixed.schema.getTypeMap()))
    types[name] = copies[name] ?? (fixed.schema.getType(name) as GraphQLNamedType);
  for (const { shared, copied } of parts) {
    for (const type of shared) types[type.name] = type;
    for (const { name } of copied) types[name] = copies[name] as GraphQLNamedType;
    yield;
  }
  return new AssembledSchema(fixed.schema, types);
}

type Fielded = GraphQLObjectType | GraphQLInputObjectType;
type Field = GraphQLField<unknown, unknown> | ReturnType<GraphQLInputObjectType['getFields']>[string];

function isFielded(type: GraphQLNamedType): type is Fielded {
  return isObjectType(type) || isInputObjectType(type);
}

/** The type without its fields. */
function copyOf(type: GraphQLNamedType): GraphQLNamedType {
  if (isObjectType(type))
    return new GraphQLObjectType({ ...plain(type), interfaces: type.getInterfaces(), isTypeOf: type.isTypeOf, fields: {} });
  if (isInputObjectType(type)) return new GraphQLInputObjectType({ ...plain(type), isOneOf: type.isOneOf, fields: {} });
  throw new Error(`${type.name} leads to types that tables add fields to; only objects and inputs can be copied`);
}

function plain({ name, description, extensions }: GraphQLNamedType) {
  return { name, description, extensions };
}

/** Gives a copy its fields: the very same where they lead to no other copy. */
function fill(copy: GraphQLNamedType | undefined, of: GraphQLNamedType | undefined, fields: readonly Field[], copies: Named): void {
  if (copy === undefined || of === undefined || !isFielded(copy)) throw new Error(`${of?.name ?? 'a type'} cannot be copied`);
  const into = copy.getFields() as Record<string, Field>;
  for (const field of fields) into[field.name] = current(field, copies);
}

function current(field: Field, copies: Named): Field {
  const isCopied = (type: Field['type']): boolean => copies[getNamedType(type).name] !== undefined;
  if (!('args' in field)) return isCopied(field.type) ? { ...field, type: withNamed(field.type, copies) } : field;
  if (!isCopied(field.type) && !field.args.some(({ type }) => isCopied(type))) return field;
  const args = field.args.map((argument) => (isCopied(argument.type) ? { ...argument, type: withNamed(argument.type, copies) } : argument));
  return { ...field, type: withNamed(field.type, copies), args };
}

/**
 * A schema of types that are known and valid: GraphQLSchema's own constructor would look at every field of all of them.
 * Nothing in it is private to the class, since a view of a part of a schema inherits from the whole.
 */
class AssembledSchema extends GraphQLSchema {
  readonly types: Named;
  readonly roots: { readonly query: unknown; readonly mutation: unknown; readonly subscription: unknown };
  readonly implementers = new Map<string, readonly GraphQLObjectType[]>();

  constructor(fixed: GraphQLSchema, types: Named) {
    super({ directives: fixed.getDirectives(), assumeValid: true });
    this.types = types;
    const current = (type: GraphQLObjectType | null | undefined): unknown => types[type?.name ?? ''];
    this.roots = {
      query: current(fixed.getQueryType()),
      mutation: current(fixed.getMutationType()),
      subscription: current(fixed.getSubscriptionType()),
    };
  }

  override getQueryType(): GraphQLObjectType | undefined {
    return isObjectType(this.roots.query) ? this.roots.query : undefined;
  }

  override getMutationType(): GraphQLObjectType | undefined {
    return isObjectType(this.roots.mutation) ? this.roots.mutation : undefined;
  }

  override getSubscriptionType(): GraphQLObjectType | undefined {
    return isObjectType(this.roots.subscription) ? this.roots.subscription : undefined;
  }

  override getTypeMap(): Named {
    return this.types;
  }

  override getType(name: string): GraphQLNamedType | undefined {
    return this.types[name];
  }

  override getImplementations({ name }: GraphQLInterfaceType): {
    objects: readonly GraphQLObjectType[];
    interfaces: readonly GraphQLInterfaceType[];
  } {
    let objects = this.implementers.get(name);
    if (objects === undefined) {
      objects = Object.values(this.types)
        .filter(isObjectType)
        .filter((type) => type.getInterfaces().some((one) => one.name === name));
      this.implementers.set(name, objects);
    }
    return { objects, interfaces: [] };
  }

  override getPossibleTypes(type: GraphQLAbstractType): readonly GraphQLObjectType[] {
    return isUnionType(type) ? type.getTypes() : this.getImplementations(type).objects;
  }

  override isSubType(abstract: GraphQLAbstractType, maybe: GraphQLObjectType | GraphQLInterfaceType): boolean {
    if (isUnionType(abstract)) return abstract.getTypes().some(({ name }) => name === maybe.name);
    return maybe.getInterfaces().some(({ name }) => name === abstract.name);
  }
}
