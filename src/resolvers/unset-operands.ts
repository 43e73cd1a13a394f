/**
 * A variable that was not given must not widen a filter. GraphQL leaves the key of such a variable out of an input object,
 * so `{status: {eq: $status}}` would match all rows; here it is refused instead.
 */
import { type GraphQLResolveInfo, Kind, type ValueNode } from 'graphql';
import { EngineError } from '../engine/index.ts';

/** A variable's value. What GraphQL keeps them in has a prototype, where `$constructor` would find something. */
function variableValue(name: string, given: Readonly<Record<string, unknown>>): unknown {
  return Object.hasOwn(given, name) ? given[name] : undefined;
}

/** The first variable inside a value that has no value; a variable that is the whole argument may be left out. */
function unsetIn(value: ValueNode, given: Readonly<Record<string, unknown>>): string | undefined {
  switch (value.kind) {
    case Kind.VARIABLE:
      return variableValue(value.name.value, given) === undefined ? value.name.value : undefined;
    case Kind.LIST:
      return firstOf(value.values, given);
    case Kind.OBJECT:
      return firstOf(
        value.fields.map((field) => field.value),
        given,
      );
    default:
      return undefined;
  }
}

function firstOf(values: readonly ValueNode[], given: Readonly<Record<string, unknown>>): string | undefined {
  for (const value of values) {
    const name = unsetIn(value, given);
    if (name !== undefined) return name;
  }
  return undefined;
}

function argumentsNamed(info: GraphQLResolveInfo, name: string): ValueNode[] {
  return info.fieldNodes.flatMap((node) => node.arguments?.find((candidate) => candidate.name.value === name)?.value ?? []);
}

function notGiven(place: string, variable: string, hint: string): EngineError {
  return new EngineError('BAD_USER_INPUT', `${place}: the variable $${variable} was not given`, { details: { variable }, hint });
}

/** @throws EngineError BAD_USER_INPUT naming the variable */
export function refuseUnsetOperands(info: GraphQLResolveInfo, argument = 'where'): void {
  for (const value of argumentsNamed(info, argument)) {
    if (value.kind === Kind.VARIABLE) continue;
    const name = unsetIn(value, info.variableValues);
    if (name === undefined) continue;
    throw notGiven(argument, name, `Give $${name} a value, or make the whole ${argument} one variable, which may be left out.`);
  }
}

/**
 * The same for a change, where a filter that is written must be there: one that is null, or a variable that was not given,
 * would stand for the whole table. @throws EngineError BAD_USER_INPUT
 */
export function refuseUnsetFilter(info: GraphQLResolveInfo, argument = 'where'): void {
  for (const value of argumentsNamed(info, argument)) refuseUnset(value, argument, info.variableValues);
  for (const value of argumentsNamed(info, 'set')) refuseUnsetChange(value, 'set', info.variableValues);
}

/** New values of which none has come: what is not given stays as it is, so there is nothing to do, for a reason to name. */
function refuseUnsetChange(value: ValueNode, place: string, given: Readonly<Record<string, unknown>>): void {
  if (value.kind !== Kind.OBJECT || value.fields.length === 0) return;
  const unset = value.fields.map((field) => (field.value.kind === Kind.VARIABLE ? unsetIn(field.value, given) : undefined));
  const [first] = unset;
  if (first === undefined || unset.includes(undefined)) return;
  throw notGiven(place, first, `Give $${first} a value: a column whose variable is not given stays as it is, and no other is named.`);
}

function refuseUnset(value: ValueNode, place: string, given: Readonly<Record<string, unknown>>): void {
  const name = unsetIn(value, given);
  if (name !== undefined) throw notGiven(place, name, `Give $${name} a value, or ${otherwise(place)}.`);
  const isNull = value.kind === Kind.NULL || (value.kind === Kind.VARIABLE && variableValue(value.name.value, given) === null);
  if (isNull)
    throw new EngineError('BAD_USER_INPUT', `${place} is null, which would stand for all rows`, {
      hint: place.endsWith('onConflict') ? 'Give it a value, or leave it out.' : 'Say which rows, or {and: []} for all of them.',
    });
}

/** What to write instead of a variable: a filter of a delete or an update cannot be left out. */
function otherwise(place: string): string {
  return place.endsWith('onConflict') ? `leave ${place} out` : 'write {and: []} as the filter for all rows';
}

/** The filters inside the operations of a commit. @throws EngineError BAD_USER_INPUT */
export function refuseUnsetInOperations(info: GraphQLResolveInfo): void {
  for (const value of argumentsNamed(info, 'operations')) visit(value, 'operations', info.variableValues);
}

function visit(value: ValueNode, place: string, given: Readonly<Record<string, unknown>>): void {
  if (value.kind === Kind.LIST) for (const [index, item] of value.values.entries()) visit(item, `${place}[${index}]`, given);
  if (value.kind !== Kind.OBJECT) return;
  // The key is a kind of operation, or the name of a table.
  for (const { name, value: write } of value.fields) visitWrite(write, `${place}.${name.value}`, given);
}

/** Rows and new values are not looked into: their columns may have any name. */
function visitWrite(value: ValueNode, place: string, given: Readonly<Record<string, unknown>>): void {
  if (value.kind !== Kind.OBJECT) return;
  for (const { name, value: part } of value.fields) {
    const inner = `${place}.${name.value}`;
    if (name.value === 'where' || name.value === 'delete' || name.value === 'onConflict') refuseUnset(part, inner, given);
    else if (name.value === 'set') refuseUnsetChange(part, inner, given);
    else if (name.value === 'replace' || name.value === 'update') visitWrite(part, inner, given);
  }
}
