/**
 * Rows of a DuckDB result, counted before they are made: a result stands in DuckDB's memory, which is bounded, and its texts
 * become JavaScript's only once their lengths are known to fit.
 */
import {
  DuckDBBlobVector,
  type DuckDBDataChunk,
  type DuckDBMaterializedResult,
  type DuckDBValue,
  DuckDBVarCharVector,
} from '@duckdb/node-api';
import type { Budget } from '../model/budget.ts';
import { invariant } from '../model/errors.ts';

/** Of a value that is no text and no bytes, and of what goes with each text. */
export const VALUE_BYTES = 16;
/** DuckDB keeps a text as its length, its first characters and a pointer. */
const STRING_BYTES = 16;

/** What node-api's vectors of texts and bytes keep to themselves. */
interface StringVector {
  readonly dataView: DataView;
  readonly validity: { itemValid(index: number): boolean };
}

function bytesOfChunk(chunk: DuckDBDataChunk): number {
  const { rowCount, columnCount } = chunk;
  let bytes = rowCount * columnCount * VALUE_BYTES;
  for (let column = 0; column < columnCount; column += 1) {
    const vector = chunk.getColumnVector(column);
    if (!(vector instanceof DuckDBVarCharVector || vector instanceof DuckDBBlobVector)) continue;
    const { dataView, validity } = vector as unknown as StringVector;
    invariant(dataView instanceof DataView, 'a vector of texts has the view that their lengths are read from');
    for (let row = 0; row < rowCount; row += 1) if (validity.itemValid(row)) bytes += dataView.getUint32(row * STRING_BYTES, true);
  }
  return bytes;
}

/** Bytes of a result's values, about, without making any of them. */
export function bytesOfResult(result: DuckDBMaterializedResult): number {
  let bytes = 0;
  for (let index = 0; index < result.chunkCount; index += 1) bytes += bytesOfChunk(result.getChunk(index));
  return bytes;
}

/** All rows. @throws EngineError LIMIT_EXCEEDED where they do not fit into what is left of the budget */
export function rowsWithin(result: DuckDBMaterializedResult, budget: Budget | undefined): DuckDBValue[][] {
  const rows: DuckDBValue[][] = [];
  let bytes = 0;
  for (let index = 0; index < result.chunkCount; index += 1) {
    const chunk = result.getChunk(index);
    if (budget !== undefined) {
      bytes += bytesOfChunk(chunk);
      budget.require(bytes);
    }
    for (const row of chunk.getRows()) rows.push(row);
  }
  return rows;
}
