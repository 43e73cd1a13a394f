/**
 * A variable that was not given must not widen a filter. GraphQL leaves the key of such a variable out of an input object,
 * so `{status: {eq: $status}}` would match all rows. Here it is refused.
 */
import { Kind, type ValueNode } from 'graphql';
import { EngineError } from '../engine/index.ts';

/** An argument, or a part of one, as it is written, with the variables of the operation. */
export interface Written {
  readonly value: ValueNode;
  /** The names that lead to it, as messages say them. */
  readonly place: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

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

function notGiven(place: string, variable: string, hint: string): EngineError {
  return new EngineError('BAD_USER_INPUT', `${place}: the variable $${variable} was not given`, { details: { variable }, hint });
}

/** A filter of a read. @throws EngineError BAD_USER_INPUT naming the variable */
export function refuseUnsetInRead({ value, place, variables }: Written): void {
  if (value.kind === Kind.VARIABLE) return;
  const name = unsetIn(value, variables);
  if (name !== undefined)
    throw notGiven(place, name, `Give $${name} a value, or make the whole ${place} one variable, which may be left out.`);
}

/**
 * A filter of a change: one that is written must be there, and one that is null, or a variable that was not given, would
 * stand for the whole table. @throws EngineError BAD_USER_INPUT
 */
export function refuseUnsetInChange({ value, place, variables }: Written, what: 'filter' | 'onConflict'): void {
  const name = unsetIn(value, variables);
  // A filter of a delete or an update cannot be left out.
  const otherwise = what === 'onConflict' ? `leave ${place} out` : 'write {and: []} as the filter for all rows';
  if (name !== undefined) throw notGiven(place, name, `Give $${name} a value, or ${otherwise}.`);
  const isNull = value.kind === Kind.NULL || (value.kind === Kind.VARIABLE && variableValue(value.name.value, variables) === null);
  if (isNull) throw nullFilter(place, what);
}

/** A filter that is null: whoever left it out would have meant all rows, whoever lost a value would not. */
export function nullFilter(place: string, what: 'filter' | 'onConflict' = 'filter'): EngineError {
  return new EngineError('BAD_USER_INPUT', `${place} is null, which would stand for all rows`, {
    hint: what === 'onConflict' ? 'Give it a value, or leave it out.' : 'Say which rows, or {and: []} for all of them.',
  });
}

/** New values of which none has come: what is not given stays as it is, so there is nothing to do, for a reason to name. */
export function refuseUnsetPatch({ value, place, variables }: Written): void {
  if (value.kind !== Kind.OBJECT || value.fields.length === 0) return;
  const unset = value.fields.map((field) => (field.value.kind === Kind.VARIABLE ? unsetIn(field.value, variables) : undefined));
  const [first] = unset;
  if (first === undefined || unset.includes(undefined)) return;
  throw notGiven(place, first, `Give $${first} a value: a column whose variable is not given stays as it is, and no other is named.`);
}
