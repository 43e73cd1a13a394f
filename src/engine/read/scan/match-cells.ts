/**
 * Filters over rows in memory: the same answer as DuckDB's, at once, for the few rows of a commit. Long patterns it leaves
 * to DuckDB; a test holds the two together.
 */
import { unreachable } from '../../model/errors.ts';
import type { Cell, Cells, Column } from '../../model/types.ts';
import { compareCells } from './compare-cells.ts';
import type { CheckedFilter, CompareOperator } from './filter.ts';
import { patternTest } from './pattern.ts';
import { isVersionColumn, type VersionOf, versionCell } from './version-columns.ts';

type CellMatcher = (cells: Cells, version: VersionOf) => boolean;

/** A version of a row in memory. */
export interface VersionInMemory extends VersionOf {
  readonly cells: Cells;
}

/** A test of rows in some columns; undefined where the filter has a pattern that only DuckDB should try. */
export function cellMatcher(filter: CheckedFilter, columns: readonly Column[]): CellMatcher | undefined {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const inner: CellMatcher[] = [];
      for (const one of filter.filters) {
        const matcher = cellMatcher(one, columns);
        if (matcher === undefined) return undefined;
        inner.push(matcher);
      }
      return filter.kind === 'and'
        ? (cells, version) => inner.every((matches) => matches(cells, version))
        : (cells, version) => inner.some((matches) => matches(cells, version));
    }
    case 'not': {
      const inner = cellMatcher(filter.filter, columns);
      return inner === undefined ? undefined : (cells, version) => !inner(cells, version);
    }
    case 'compare': {
      const { cell: operand, operator } = filter;
      return valueTest(filter.column, columns, (cell) => holds(operator, compareValues(cell, operand)));
    }
    case 'in': {
      const { cells: list, negated } = filter;
      // A set compares as DuckDB does: NaN is itself, and zero is zero whatever its sign.
      const set = new Set(list.map(keyOf));
      return valueTest(filter.column, columns, (cell) => set.has(keyOf(cell)) !== negated);
    }
    case 'isNull': {
      if (isVersionColumn(filter.column)) return () => !filter.isNull;
      const at = placeOf(filter.column, columns);
      return (cells) => ((cells[at] ?? null) === null) === filter.isNull;
    }
    case 'text': {
      const test = textTest(filter);
      return valueTest(filter.column, columns, (cell) => test(cell as string));
    }
    case 'pattern': {
      const test = patternTest(filter.pattern);
      return test === undefined ? undefined : valueTest(filter.column, columns, (cell) => test(cell as string));
    }
    default:
      return unreachable(filter);
  }
}

function placeOf(column: Column, columns: readonly Column[]): number {
  const at = columns.findIndex(({ fieldId }) => fieldId === column.fieldId);
  if (at < 0) throw new TypeError(`column ${column.name} is not among those of the rows`);
  return at;
}

/** Bytes are compared by what they hold. */
function keyOf(cell: Cell): Cell {
  return cell instanceof Uint8Array ? Buffer.from(cell).toString('latin1') : cell;
}

/** A test that null never passes. */
function valueTest(column: Column, columns: readonly Column[], test: (cell: Exclude<Cell, null>) => boolean): CellMatcher {
  if (isVersionColumn(column)) return (_cells, version) => test(versionCell(column, version));
  const at = placeOf(column, columns);
  return (cells) => {
    const cell = cells[at] ?? null;
    return cell !== null && test(cell);
  };
}

/** As DuckDB orders: NaN equals itself and is above all else. */
function compareValues(left: Exclude<Cell, null>, right: Cell): number {
  const [leftIsNaN, rightIsNaN] = [Number.isNaN(left), Number.isNaN(right)];
  if (leftIsNaN || rightIsNaN) return Number(leftIsNaN) - Number(rightIsNaN);
  return compareCells(left, right);
}

function holds(operator: CompareOperator, order: number): boolean {
  switch (operator) {
    case 'eq':
      return order === 0;
    case 'ne':
      return order !== 0;
    case 'gt':
      return order > 0;
    case 'gte':
      return order >= 0;
    case 'lt':
      return order < 0;
    case 'lte':
      return order <= 0;
    default:
      return unreachable(operator);
  }
}

function textTest({ operator, text }: Extract<CheckedFilter, { kind: 'text' }>): (value: string) => boolean {
  switch (operator) {
    case 'contains':
      return (value) => value.includes(text);
    case 'startsWith':
      return (value) => value.startsWith(text);
    case 'endsWith':
      return (value) => value.endsWith(text);
    default:
      return unreachable(operator);
  }
}
