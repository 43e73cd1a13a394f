/** The changes of a diff that are asked for: those of some kinds, whose row matches a filter before or after. */
import type { QueryOptions } from '../../data/duckdb.ts';
import { mapCells } from '../../model/schema.ts';
import type { Column, TableSchema } from '../../model/types.ts';
import { type CheckedFilter, checkFilter, type Filter } from '../scan/filter.ts';
import type { Matcher } from '../scan/match.ts';
import { RECORDED_ROWS_MAX } from './by-record.ts';
import { type ChangeKind, REVERSED, type RowChange, type Steps } from './row-changes.ts';
import { columnsThen, type Span } from './span.ts';

/** A filter, and the columns that it is checked on: by identity, so that it fits rows of either side. */
interface FilterOn {
  readonly checked: CheckedFilter;
  readonly columns: readonly Column[];
}

/** A filter of a diff, which names the columns of its later side. @throws EngineError of checkFilter */
export function filterOn(
  { where, filterSchema }: { readonly where: Filter; readonly filterSchema: TableSchema | undefined },
  span: Span,
  back: boolean,
): FilterOn {
  const later = back ? span.before : span.now;
  const schema = filterSchema === undefined ? later : columnsThen(span.table, filterSchema, back ? span.after : span.upTo);
  return { checked: checkFilter(schema, where), columns: schema.columns };
}

interface Choice {
  readonly span: Span;
  readonly filter: FilterOn | undefined;
  readonly kinds: readonly ChangeKind[] | undefined;
  readonly back: boolean;
}

export async function chosenSteps(matcher: Matcher, all: Steps, choice: Choice, options: QueryOptions): Promise<Steps> {
  const { span, filter, kinds, back } = choice;
  const wanted = kinds === undefined ? all.steps : all.steps.filter(({ kind }) => kinds.includes(back ? REVERSED[kind] : kind));
  if (filter === undefined || wanted.length === 0) return { steps: wanted, read: all.read };
  if (all.matching !== undefined) {
    const rows = await all.matching(filter.checked);
    return { steps: wanted.filter((step) => rows.has(step.row)), read: all.read };
  }
  const rows = new Set<number>();
  for (let start = 0; start < wanted.length; start += RECORDED_ROWS_MAX) {
    const some = await all.read(wanted.slice(start, start + RECORDED_ROWS_MAX));
    for (const row of await matchingRows(matcher, some, span, filter, options)) rows.add(row);
  }
  return { steps: wanted.filter((step) => rows.has(step.row)), read: all.read };
}

/** The rows that match before or after. */
async function matchingRows(
  matcher: Matcher,
  changes: readonly RowChange[],
  span: Span,
  filter: FilterOn,
  options: QueryOptions,
): Promise<number[]> {
  const found: number[] = [];
  for (const [side, schema] of [
    ['before', span.before],
    ['after', span.now],
  ] as const) {
    const map = mapCells(schema.columns, filter.columns);
    const versions = changes.flatMap(({ [side]: row }) =>
      row === null ? [] : [{ row: row.rowId, from: row.fromSnapshotId, cells: map(row.cells) }],
    );
    for (const at of await matcher.matchCells(filter.columns, versions, filter.checked, options)) found.push(versions[at]?.row as number);
  }
  return found;
}
