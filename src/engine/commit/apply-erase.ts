/** apply, erasure: see maintenance/erase.ts. Pure, as all of apply. */
import type { ReplacedRoot } from '../catalog/records.ts';
import type { EraseChange } from '../log/entry.ts';
import { type CatalogWork, Refused } from './work.ts';

export function applyErase(_work: CatalogWork, change: EraseChange, _replaced: ReplacedRoot[]): Refused | undefined {
  return new Refused({ code: 'BAD_USER_INPUT', message: `table ${change.tableId}: erasure is not there yet`, details: {} });
}
