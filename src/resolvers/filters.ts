/** Filter inputs of both APIs into the engine's filters. A null operand is refused: an unset variable must not widen a filter. */
import { type CompareOperator, EngineError, type Filter, type TextOperator } from '../engine/index.ts';
import { rowOfId } from './node-id.ts';
import type { TypedTable } from './table-types.ts';

type Input = Readonly<Record<string, unknown>>;

const COMPARE: ReadonlySet<string> = new Set<CompareOperator>(['eq', 'ne', 'gt', 'gte', 'lt', 'lte']);
const TEXT: ReadonlySet<string> = new Set<TextOperator>(['contains', 'startsWith', 'endsWith', 'like', 'ilike']);

function nullOperand(where: string): EngineError {
  return new EngineError('BAD_USER_INPUT', `where: ${where} is null; leave it out, or use isNull to test for null`, {
    details: { operator: where },
  });
}

function all(filters: readonly Filter[]): Filter {
  return filters.length === 1 && filters[0] !== undefined ? filters[0] : { kind: 'and', filters };
}

/** One column's conditions; sibling operators mean AND. `tableId` is undefined where the table is not there. */
function conditions(column: string, input: Input, tableId: number | undefined): Filter[] {
  return Object.entries(input).map(([operator, given]): Filter => {
    if (given === null || given === undefined) throw nullOperand(`${column}.${operator}`);
    const value = column === ROW_ID ? rowOperand(operator, given, tableId) : given;
    if (COMPARE.has(operator)) return { kind: 'compare', column, operator: operator as CompareOperator, value };
    if (TEXT.has(operator)) return { kind: 'text', column, operator: operator as TextOperator, value };
    if (operator === 'in' || operator === 'notIn') return { kind: 'in', column, negated: operator === 'notIn', values: value as unknown[] };
    if (operator === 'isNull') return { kind: 'isNull', column, isNull: value as boolean };
    throw new EngineError('BAD_USER_INPUT', `where: there is no operator ${operator}`);
  });
}

const ROW_ID = '_rowId';
const FROM_SNAPSHOT_ID = '_fromSnapshotId';

/** Ids of rows as the engine's numbers; what is not about ids is left to the engine, which refuses what does not fit. */
function rowOperand(operator: string, value: unknown, tableId: number | undefined): unknown {
  if (operator === 'isNull' || TEXT.has(operator)) return value;
  if (operator !== 'eq' && operator !== 'ne' && operator !== 'in' && operator !== 'notIn')
    throw new EngineError('BAD_USER_INPUT', `where: ${ROW_ID} ${operator}: ids of rows have no order`, {
      details: { column: ROW_ID, operator },
      hint: 'Use eq, ne, in or notIn.',
    });
  const refuse = (reason: string, hint: string): EngineError =>
    new EngineError('BAD_USER_INPUT', `where: ${ROW_ID} ${operator}: ${reason}`, { details: { column: ROW_ID, operator }, hint });
  const decoded = (id: unknown): number => {
    if (id === null) throw nullOperand(`${ROW_ID}.${operator}`);
    const ref = typeof id === 'string' ? rowOfId(id) : undefined;
    if (ref?.isVersion === true)
      throw refuse(
        'this is the id of one version of a row',
        `Pass the row's own id, its ${ROW_ID}; ${FROM_SNAPSHOT_ID} beside it says which version.`,
      );
    if (ref === undefined) throw refuse('this is not an id of a row', `Pass the ${ROW_ID} of a row, as this API gave it.`);
    if (tableId !== undefined && ref.tableId !== tableId)
      throw refuse('this is the id of a row of another table', `Pass the ${ROW_ID} of a row of this table.`);
    return ref.rowId;
  };
  return Array.isArray(value) ? value.map(decoded) : decoded(value);
}

/** and, or, not; undefined where the key is none of them. */
function combination(key: string, value: unknown, inner: (input: Input) => Filter): Filter | undefined {
  if (key !== 'and' && key !== 'or' && key !== 'not') return undefined;
  if (value === null || value === undefined) throw nullOperand(key);
  if (key === 'not') return { kind: 'not', filter: inner(value as Input) };
  return { kind: key, filters: (value as Input[]).map(inner) };
}

/** The typed API: `{status: {eq: "new"}, or: [...]}`. */
export function typedFilter(typed: TypedTable, input: Input): Filter {
  const filters = Object.entries(input).flatMap(([key, value]): Filter[] => {
    const combined = combination(key, value, (inner) => typedFilter(typed, inner));
    if (combined !== undefined) return [combined];
    if (value === null || value === undefined) throw nullOperand(key);
    if (key === ROW_ID || key === FROM_SNAPSHOT_ID) return conditions(key, value as Input, typed.table.id);
    const column = typed.byGraphqlName.get(key);
    if (column === undefined) throw new EngineError('COLUMN_NOT_FOUND', `where: there is no column ${key}`, { details: { column: key } });
    return conditions(column.name, value as Input, typed.table.id);
  });
  return all(filters);
}

/** The generic API: `{column: "status", eq: "new"}` or a combination. `tableId` is undefined where there is no such table. */
export function genericFilter(input: Input, tableId: number | undefined): Filter {
  const { column, and, or, not, ...operators } = input;
  const filters: Filter[] = [];
  for (const [key, value] of Object.entries({ and, or, not })) {
    const combined = key in input ? combination(key, value, (inner) => genericFilter(inner, tableId)) : undefined;
    if (combined !== undefined) filters.push(combined);
  }
  if (column === null) throw nullOperand('column');
  if (typeof column === 'string') {
    if (Object.keys(operators).length === 0)
      throw new EngineError('BAD_USER_INPUT', `where: column ${column} has no condition`, {
        hint: `Write {column: ${JSON.stringify(column)}, eq: value}, or another operator.`,
      });
    filters.push(...conditions(column, operators, tableId));
  } else if (Object.keys(operators).length > 0) {
    throw new EngineError('BAD_USER_INPUT', `where: ${Object.keys(operators)[0]} needs a column`, {
      hint: 'Write {column: "name", eq: value}.',
    });
  }
  return all(filters);
}

/**
 * In a change an empty object at any depth of a filter is refused: it would match every row. `{and: []}` says all.
 * @throws EngineError BAD_USER_INPUT naming the place
 */
export function refuseEmptyFilter(input: Input, path = 'where', isTop = true): void {
  if (Object.keys(input).length === 0) {
    throw new EngineError('BAD_USER_INPUT', `${path} is empty, which would match every row`, {
      details: { path },
      hint: 'Say which rows, or {and: []} at the top for all of them.',
    });
  }
  for (const [key, value] of Object.entries(input)) {
    const inner = `${path}.${key}`;
    if (Array.isArray(value)) {
      if (key !== 'and' && key !== 'or') continue;
      if (key === 'and' && value.length === 0 && (!isTop || Object.keys(input).length > 1)) {
        throw new EngineError('BAD_USER_INPUT', `${inner} is empty, which would match every row`, {
          details: { path: inner },
          hint: 'Leave it out; {and: []} means all rows only if it is the whole filter.',
        });
      }
      value.forEach((item, index) => {
        if (isObject(item)) refuseEmptyFilter(item, `${inner}[${index}]`, false);
      });
    } else if (isObject(value)) refuseEmptyFilter(value, inner, false);
  }
}

function isObject(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date) && !(value instanceof Uint8Array);
}
