/** Cells to DuckDB and back: SQL types, chunk values, bound parameters. Exact both ways. */
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBType,
  DuckDBUUIDValue,
  type DuckDBValue,
  FLOAT,
  INTEGER,
  TIME,
  TIMESTAMP,
  TIMESTAMPTZ,
  UUID,
  VARCHAR,
} from '@duckdb/node-api';
import { unreachable } from '../model/errors.ts';
import type { Cell } from '../model/types.ts';
import type { ValueType } from '../model/values.ts';
import type { Parameter } from './duckdb.ts';

export function duckType(column: ValueType): DuckDBType {
  switch (column.type) {
    case 'BOOLEAN':
      return BOOLEAN;
    case 'INT':
      return INTEGER;
    case 'LONG':
      return BIGINT;
    case 'FLOAT':
      return FLOAT;
    case 'DOUBLE':
      return DOUBLE;
    case 'DECIMAL':
      return DECIMAL(column.precision ?? 18, column.scale ?? 0);
    case 'DATE':
      return DATE;
    case 'TIME':
      return TIME;
    case 'TIMESTAMP':
      return TIMESTAMP;
    case 'TIMESTAMPTZ':
      return TIMESTAMPTZ;
    case 'STRING':
    case 'JSON':
      return VARCHAR;
    case 'UUID':
      return UUID;
    case 'BINARY':
      return BLOB;
    default:
      return unreachable(column.type);
  }
}

export function sqlType(column: ValueType): string {
  return duckType(column).toString();
}

export function toDuck(column: ValueType, cell: Cell): DuckDBValue {
  if (cell === null) return null;
  switch (column.type) {
    case 'DECIMAL':
      return new DuckDBDecimalValue(cell as bigint, column.precision ?? 18, column.scale ?? 0);
    case 'DATE':
      return new DuckDBDateValue(cell as number);
    case 'TIME':
      return new DuckDBTimeValue(BigInt(cell as number));
    case 'TIMESTAMP':
      return new DuckDBTimestampValue(cell as bigint);
    case 'TIMESTAMPTZ':
      return new DuckDBTimestampTZValue(cell as bigint);
    case 'UUID':
      return DuckDBUUIDValue.fromUint128(BigInt(`0x${(cell as string).replaceAll('-', '')}`));
    case 'BINARY':
      return new DuckDBBlobValue(cell as Uint8Array);
    case 'BOOLEAN':
    case 'INT':
    case 'LONG':
    case 'FLOAT':
    case 'DOUBLE':
    case 'STRING':
    case 'JSON':
      return cell as boolean | number | bigint | string;
    default:
      return unreachable(column.type);
  }
}

export function fromDuck(column: ValueType, value: DuckDBValue): Cell {
  if (value === null) return null;
  switch (column.type) {
    case 'DECIMAL':
      return (value as DuckDBDecimalValue).value;
    case 'DATE':
      return (value as DuckDBDateValue).days;
    case 'TIME':
      return Number((value as DuckDBTimeValue).micros);
    case 'TIMESTAMP':
    case 'TIMESTAMPTZ':
      return (value as DuckDBTimestampValue).micros;
    case 'UUID':
      return (value as DuckDBUUIDValue).toString();
    case 'BINARY':
      return (value as DuckDBBlobValue).bytes;
    case 'BOOLEAN':
    case 'INT':
    case 'LONG':
    case 'FLOAT':
    case 'DOUBLE':
    case 'STRING':
    case 'JSON':
      return value as boolean | number | bigint | string;
    default:
      return unreachable(column.type);
  }
}

export function parameter(column: ValueType, cell: Cell): Parameter {
  return { value: toDuck(column, cell), type: duckType(column) };
}

/** A 64-bit integer parameter: row ids, snapshot ids, limits. */
export function integer(value: number): Parameter {
  return { value: BigInt(value), type: BIGINT };
}
