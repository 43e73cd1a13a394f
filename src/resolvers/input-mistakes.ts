/**
 * What is wrong with a value for an input type, and the form that works: for literals and variables alike, over what
 * GraphQL itself says about them. Nothing is decided here: GraphQL has refused the value already.
 */
import {
  type ASTNode,
  type GraphQLEnumType,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLScalarType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  isSpecifiedScalarType,
} from 'graphql';
import { checkPartialRows, checkPatch, checkRows, didYouMean, EngineError, listed } from '../engine/index.ts';
import type { Given, GivenField } from './given.ts';
import type { TableTypes } from './table-types.ts';

export interface Mistake {
  /** Of a literal: the value that is wrong, or the object that it stands in. */
  readonly node: ASTNode | undefined;
  /** Of a batch of rows: INVALID_ROW. Else what is wrong and where, and what to write. */
  readonly error: EngineError;
}

interface Place {
  /** From the argument or variable on, `where.and[0].status`. */
  readonly path: string;
  /** The last name in it. */
  readonly key: string;
}

/** Mistakes past these are not looked for. */
const MISTAKES_MAX = 20;
/** Deeper values are refused by their depth. */
const DEPTH_MAX = 100;

/** The mistakes of a value that stands at an argument or in a variable. */
export function inputMistakes(types: TableTypes, type: GraphQLInputType, given: Given, name: string): Mistake[] {
  const walk = new Walk(types);
  walk.value(type, given, { path: name, key: name }, 0);
  return walk.found;
}

function mistake(given: Pick<Mistake, 'node'>, message: string, hint: string | undefined): Mistake {
  return { node: given.node, error: new EngineError('BAD_USER_INPUT', message, hint === undefined ? {} : { hint }) };
}

class Walk {
  readonly #types: TableTypes;
  readonly found: Mistake[] = [];

  constructor(types: TableTypes) {
    this.#types = types;
  }

  #say(given: Given, message: string, hint: string | undefined): void {
    this.found.push(mistake(given, message, hint));
  }

  value(type: GraphQLInputType, given: Given, place: Place, depth: number): void {
    if (this.found.length >= MISTAKES_MAX || depth > DEPTH_MAX || given.kind === 'variable') return;
    if (isNonNullType(type)) {
      if (given.kind === 'null') this.#say(given, `${place.path} is null`, 'A value is required here.');
      else this.value(type.ofType, given, place, depth);
      return;
    }
    if (given.kind === 'null') return;
    if ((isListType(type) || isInputObjectType(type)) && this.#rows(type, given, place)) return;
    if (isListType(type)) {
      if (given.kind !== 'list') this.value(type.ofType, given, place, depth + 1);
      else
        for (const [index, item] of given.items().entries())
          this.value(type.ofType, item, { path: `${place.path}[${index}]`, key: place.key }, depth + 1);
    } else if (isInputObjectType(type)) this.#object(type, given, place, depth);
    else if (isEnumType(type)) this.#enum(type, given, place);
    else this.#scalar(type as GraphQLScalarType, given, place);
  }

  /** A batch of a table's rows, or new values of them, goes to the table's own checker, which names all that is wrong. */
  #rows(type: GraphQLInputType, given: Given, place: Place): boolean {
    const { name } = getNamedType(type);
    const rowsOf = this.#types.ofInputType(name);
    const patchOf = this.#types.ofPatchType(name);
    if ((rowsOf ?? patchOf) === undefined || given.hasVariables) return false;
    const raw = given.raw();
    try {
      if (rowsOf !== undefined) checkRows(rowsOf.table.schema, Array.isArray(raw) ? raw : [raw], 'graphqlName');
      else if (patchOf !== undefined && isListType(type))
        checkPartialRows(patchOf.table.schema, Array.isArray(raw) ? raw : [raw], 'graphqlName');
      else if (patchOf !== undefined) checkPatch(patchOf.table.schema, raw, 'graphqlName');
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.code !== 'INVALID_ROW') return false;
      const { code, message, details, hint } = error;
      const options = hint === undefined ? { details } : { details, hint };
      // At the top `rows` and `set` go without saying; any other place is named.
      const text = place.path === place.key ? message : `${place.path}: ${message}`;
      this.found.push({ node: given.node, error: new EngineError(code, text, options) });
      return true;
    }
    return false;
  }

  #object(type: GraphQLInputObjectType, given: Given, place: Place, depth: number): void {
    const fields = type.getFields();
    if (given.kind !== 'object') {
      this.found.push(isCondition(type) ? noCondition(given, place) : noObject(type, given, place));
      return;
    }
    const entries = given.fields();
    for (const entry of entries) {
      const { name, value: inner } = entry;
      const field = fields[name];
      if (field === undefined) this.found.push(unknownKey(type, given, entry, place));
      else this.value(field.type, inner, { path: `${place.path}.${name}`, key: name }, depth + 1);
    }
    const names = new Set(entries.map(({ name }) => name));
    for (const field of Object.values(fields))
      if (isRequiredInputField(field) && !names.has(field.name))
        this.#say(given, `${place.path}.${field.name} is not given`, `It is required, of type ${String(field.type)}.`);
    if (type.isOneOf && (entries.length !== 1 || entries[0]?.value.kind === 'null')) this.found.push(notOne(type, given, entries, place));
  }

  #enum(type: GraphQLEnumType, given: Given, place: Place): void {
    const names = type.getValues().map((value) => value.name);
    const raw = given.kind === 'enum' || given.kind === 'string' ? String(given.raw()) : undefined;
    const isLiteral = given.node !== undefined;
    if (raw !== undefined && names.includes(raw)) {
      if (isLiteral && given.kind === 'string')
        this.#say(
          given,
          `${place.path}: ${given.text} is a string, but a value of ${type.name} is expected`,
          `Leave the quotes out: ${place.key}: ${raw}.`,
        );
      return;
    }
    const near = raw === undefined ? '' : didYouMean(raw, names);
    const what = type.name.endsWith('Column') ? 'The columns are' : `The values of ${type.name} are`;
    this.#say(given, `${place.path}: ${given.text} is no value of ${type.name}`, `${near}${what} ${listed(names)}.`);
  }

  #scalar(type: GraphQLScalarType, given: Given, place: Place): void {
    const reason = refusedBy(type, given);
    if (reason === undefined) return;
    const { message, hint } = scalarMistake(type, given, place, reason);
    this.#say(given, message, hint);
  }
}

function isCondition(type: GraphQLInputObjectType): boolean {
  return type.name.endsWith('Condition') && type.getFields()['isNull'] !== undefined;
}

/** `{status: "paid"}`, where conditions on the column stand. */
function noCondition(given: Given, { path, key }: Place): Mistake {
  const operator = given.kind === 'list' ? 'in' : 'eq';
  const text = given.kind === 'enum' ? JSON.stringify(given.text) : given.text;
  const inner = `{${key}: {${operator}: ${text}}}`;
  const form = path === `where.${key}` ? `where: ${inner}` : inner;
  return mistake(given, `${path}: ${given.text} is a value, but a condition on it is expected`, `Write ${form}.`);
}

function noObject(type: GraphQLInputObjectType, given: Given, { path }: Place): Mistake {
  const keys = listed(Object.keys(type.getFields()));
  return mistake(given, `${path}: ${given.text} is not an object`, `Write an object with keys of ${type.name}: ${keys}.`);
}

function unknownKey(type: GraphQLInputObjectType, given: Given, { name, value, node }: GivenField, { path }: Place): Mistake {
  const at = { node };
  const names = Object.keys(type.getFields());
  const near = didYouMean(name, names);
  const shown = name.slice(0, 80);
  if (type.name === 'Filter') {
    const condition = value.kind === 'object' ? value.text.slice(1, -1) : `eq: ${value.text}`;
    const column = given.fields().some((field) => field.name === 'column');
    if (!column)
      return mistake(at, `${path}: there is no key ${shown}`, `A column is named by \`column\`: {column: "${shown}", ${condition}}.`);
    const operators = listed(names.filter((key) => !['and', 'or', 'not', 'column'].includes(key)));
    return mistake(
      at,
      `${path}: there is no operator ${shown}`,
      `${near}The operators are ${operators}: {column: ..., eq: ${value.text}}.`,
    );
  }
  if (isCondition(type)) return mistake(at, `${path}: there is no operator ${shown}`, `${near}The operators are ${listed(names)}.`);
  const isOfTable = /(?:RowInput|RowPatch|Filter|OrderBy)$/.test(type.name);
  const columns = names.filter((key) => !['and', 'or', 'not'].includes(key) && !key.startsWith('_'));
  if (isOfTable) return mistake(at, `${path}: there is no column ${shown}`, `${near}The columns are ${listed(columns)}.`);
  return mistake(at, `${path}: there is no key ${shown}`, `${near}The keys of ${type.name} are ${listed(names)}.`);
}

/** An object of which exactly one key is expected. */
function notOne(type: GraphQLInputObjectType, given: Given, entries: ReturnType<Given['fields']>, { path }: Place): Mistake {
  const keys = entries.map(({ name }) => name.slice(0, 80));
  const said = keys.length === 0 ? 'none is given' : keys.length === 1 ? `${keys[0]} is null` : `${listed(keys)} are given`;
  const split = entries.map(({ name, value }) => `{${name}: ${value.text}}`);
  const hint =
    type.name.endsWith('OrderBy') && keys.length > 1
      ? `Write a list of objects, each with one column: [${listed(split)}].`
      : `The keys of ${type.name} are ${listed(Object.keys(type.getFields()))}.`;
  return mistake(given, `${path}: exactly one key is expected, but ${said}`, hint);
}

/** Why a scalar refuses a value; undefined where it takes it. */
function refusedBy(type: GraphQLScalarType, given: Given): string | undefined {
  try {
    if (given.node === undefined) type.parseValue(given.raw());
    else type.parseLiteral(given.node, {});
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

interface Said {
  readonly message: string;
  /** Absent where the reason says it all. */
  readonly hint: string | undefined;
}

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function scalarMistake(type: GraphQLScalarType, given: Given, { path, key }: Place, reason: string): Said {
  const { kind, text } = given;
  const raw = kind === 'string' ? String(given.raw()) : '';
  const isNumber = type.name === 'Int' || type.name === 'Float';
  if (isNumber && NUMBER.test(raw))
    return { message: `${path}: ${text} is a string, but a number is expected`, hint: `Leave the quotes out: ${key}: ${raw}.` };
  if (isNumber && type.name === 'Int' && kind === 'number')
    return { message: `${path}: ${text} is not a 32-bit integer`, hint: 'Give a whole number from -2147483648 to 2147483647.' };
  if (isNumber) return { message: `${path}: ${text} is not a number`, hint: `Give a number, without quotes.` };
  if (type.name === 'Boolean')
    return {
      message: `${path}: ${text} is not true or false`,
      hint: raw === 'true' || raw === 'false' ? `Leave the quotes out: ${key}: ${raw}.` : 'Give true or false, without quotes.',
    };
  const quotable = kind === 'number' || kind === 'boolean' || kind === 'enum';
  if (quotable && (kind === 'enum' || isSpecifiedScalarType(type)))
    return { message: `${path}: ${text} is not a string`, hint: `Put quotes around it: ${key}: ${JSON.stringify(text)}.` };
  return {
    message: `${path}: ${reason}`,
    hint: `A value of type ${type.name} is expected${essence(type.description)}.`,
  };
}

/** What a type holds: the description's first clause. How values come out, and what is refused, is not of use here. */
function essence(description: string | null | undefined): string {
  const clause = description?.split(/[.;](?:\s|$)/)[0] ?? '';
  return clause === '' ? '' : `: ${clause[0]?.toLowerCase() ?? ''}${clause.slice(1)}`;
}
