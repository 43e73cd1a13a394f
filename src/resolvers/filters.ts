/** Filter inputs of both doors into the engine's filters. A null operand is refused: an unset variable must not widen a filter. */
import { type CompareOperator, EngineError, type Filter, type TextOperator } from '../engine/index.ts';
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

/** One column's conditions; sibling operators mean AND. */
function conditions(column: string, input: Input): Filter[] {
  return Object.entries(input).map(([operator, value]): Filter => {
    if (value === null || value === undefined) throw nullOperand(`${column}.${operator}`);
    if (COMPARE.has(operator)) return { kind: 'compare', column, operator: operator as CompareOperator, value };
    if (TEXT.has(operator)) return { kind: 'text', column, operator: operator as TextOperator, value };
    if (operator === 'in' || operator === 'notIn') return { kind: 'in', column, negated: operator === 'notIn', values: value as unknown[] };
    if (operator === 'isNull') return { kind: 'isNull', column, isNull: value as boolean };
    throw new EngineError('BAD_USER_INPUT', `where: there is no operator ${operator}`);
  });
}

/** and, or, not; undefined where the key is none of them. */
function combination(key: string, value: unknown, inner: (input: Input) => Filter): Filter | undefined {
  if (key !== 'and' && key !== 'or' && key !== 'not') return undefined;
  if (value === null || value === undefined) throw nullOperand(key);
  if (key === 'not') return { kind: 'not', filter: inner(value as Input) };
  return { kind: key, filters: (value as Input[]).map(inner) };
}

/** The typed door: `{status: {eq: "new"}, or: [...]}`. */
export function typedFilter(typed: TypedTable, input: Input): Filter {
  const filters = Object.entries(input).flatMap(([key, value]): Filter[] => {
    const combined = combination(key, value, (inner) => typedFilter(typed, inner));
    if (combined !== undefined) return [combined];
    if (value === null || value === undefined) throw nullOperand(key);
    const column = typed.byGraphqlName.get(key);
    if (column === undefined) throw new EngineError('COLUMN_NOT_FOUND', `where: there is no column ${key}`, { details: { column: key } });
    return conditions(column.name, value as Input);
  });
  return all(filters);
}

/** The generic door: `{column: "status", eq: "new"}` or a combination. */
export function genericFilter(input: Input): Filter {
  const { column, and, or, not, ...operators } = input;
  const filters: Filter[] = [];
  for (const [key, value] of Object.entries({ and, or, not })) {
    const combined = key in input ? combination(key, value, genericFilter) : undefined;
    if (combined !== undefined) filters.push(combined);
  }
  if (column === null) throw nullOperand('column');
  if (typeof column === 'string') {
    if (Object.keys(operators).length === 0)
      throw new EngineError('BAD_USER_INPUT', `where: column ${column} has no condition`, {
        hint: `Write {column: ${JSON.stringify(column)}, eq: value}, or another operator.`,
      });
    filters.push(...conditions(column, operators));
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
export function refuseEmptyFilter(input: Input, path = 'where'): void {
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
      if (key === 'and' && value.length === 0 && (path !== 'where' || Object.keys(input).length > 1)) {
        throw new EngineError('BAD_USER_INPUT', `${inner} is empty, which would match every row`, {
          details: { path: inner },
          hint: 'Leave it out; {and: []} says all rows only where it stands alone at the top.',
        });
      }
      value.forEach((item, index) => {
        if (isObject(item)) refuseEmptyFilter(item, `${inner}[${index}]`);
      });
    } else if (isObject(value)) refuseEmptyFilter(value, inner);
  }
}

function isObject(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date) && !(value instanceof Uint8Array);
}
