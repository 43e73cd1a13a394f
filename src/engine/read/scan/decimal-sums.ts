/**
 * Sums and means of wide decimals, exact. DuckDB adds them up in 128 bits, and where partial sums meet (threads, groups,
 * files beside hot rows) DuckDB 1.5.6 wraps around without a word. So each value is cut into parts whose sums cannot reach
 * 128 bits for as many rows as there can be, and these are put together here.
 */
import { type DuckDBDecimalValue, DuckDBStructValue, type DuckDBValue } from '@duckdb/node-api';
import { EngineError, invariant } from '../../model/errors.ts';
import type { Column } from '../../model/types.ts';
import { formatDecimal } from '../../model/values.ts';
import { joinSql, literal, type Sql, sql, trusted } from './sql.ts';

/** Sums of decimals of so many digits fit into 128 bits for 10^20 rows. */
const NARROW_DIGITS = 18;
const DIGITS_MAX = 38;
/** Values up to here, in units of the last digit, are added up as they are: their sums fit for 10^12 rows. */
const SMALL_MOST = 10n ** 26n;
/** Where the digits before the point of larger ones are cut, and those after it. */
const WHOLE_CUT = 10n ** 19n;
const FRACTION_DIGITS = 18;

/** Whether sums of a column need the parts. */
export function isWideDecimal({ type, precision }: Column): boolean {
  return type === 'DECIMAL' && (precision ?? NARROW_DIGITS) > NARROW_DIGITS;
}

/**
 * SQL that yields the parts of a sum, as one value. To cut a value takes DuckDB about a hundred times as long as to add it
 * up, so only large ones are: of a million small ones the parts take twice as long as a plain sum.
 */
export function sumPartsSql(name: Sql, column: Column): Sql {
  const scale = column.scale ?? 0;
  const decimal = (value: Sql): Sql => sql`CAST(${value} AS DECIMAL(${literal(DIGITS_MAX)}, ${literal(scale)}))`;
  const cut = sql`${literal(WHOLE_CUT)}::HUGEINT`;
  const small = decimal(trusted(`'${formatDecimal(SMALL_MOST, scale)}'`));
  const isSmall = sql`${name} BETWEEN -${small} AND ${small}`;
  const large = sql`(CASE WHEN ${isSmall} THEN NULL ELSE ${name} END)`;
  const whole = sql`CAST(trunc(${large}) AS HUGEINT)`;
  const upperWhole = sql`(${whole} // ${cut})`;
  const parts = [
    sql`n := count(${name})`,
    sql`small := sum(CASE WHEN ${isSmall} THEN ${decimal(name)} END)`,
    sql`hi := sum(${upperWhole})`,
    sql`lo := sum(${whole} - ${upperWhole} * ${cut})`,
  ];
  if (scale > 0) {
    const rest = sql`(${large} - ${decimal(sql`trunc(${large})`)})`;
    // Never rounded up to 1, which a decimal of 38 digits after the point does not hold.
    const most = decimal(trusted(`0.${'9'.repeat(FRACTION_DIGITS)}`));
    const bounded = sql`CASE WHEN ${rest} > ${most} THEN ${most} WHEN ${rest} < -${most} THEN -${most} ELSE ${rest} END`;
    const digits = sql`${literal(FRACTION_DIGITS + 2)}, ${literal(Math.min(scale, FRACTION_DIGITS))}`;
    const upper = sql`CAST(${scale > FRACTION_DIGITS ? bounded : rest} AS DECIMAL(${digits}))`;
    parts.push(sql`upper := sum(${upper})`);
    if (scale > FRACTION_DIGITS) parts.push(sql`lower := sum(${rest} - ${decimal(upper)})`);
  }
  return sql`struct_pack(${joinSql(parts)})`;
}

interface Sum {
  readonly count: bigint;
  /** In units of the last digit of the column's scale. */
  readonly unscaled: bigint;
}

/** Undefined where there was no value. */
function sumOf(value: DuckDBValue, scale: number): Sum | undefined {
  invariant(value instanceof DuckDBStructValue, 'a sum of decimals comes in parts');
  const { n, small, hi, lo, upper, lower } = value.entries;
  if (n === 0n) return undefined;
  const whole = (((hi ?? 0n) as bigint) * WHOLE_CUT + ((lo ?? 0n) as bigint)) * 10n ** BigInt(scale);
  const unscaledOf = (part: DuckDBValue | undefined): bigint => (part as DuckDBDecimalValue | null | undefined)?.value ?? 0n;
  const cut = 10n ** BigInt(Math.max(0, scale - FRACTION_DIGITS));
  return { count: n as bigint, unscaled: unscaledOf(small) + whole + unscaledOf(upper) * cut + unscaledOf(lower) };
}

/** The sum in wire form; null where there was no value. @throws EngineError BAD_USER_INPUT where it has more than 38 digits */
export function readSum(value: DuckDBValue, { scale }: Column): string | null {
  const sum = sumOf(value, scale ?? 0);
  if (sum === undefined) return null;
  const most = 10n ** BigInt(DIGITS_MAX);
  if (sum.unscaled >= most || sum.unscaled <= -most)
    throw new EngineError('BAD_USER_INPUT', 'a computed value does not fit in its type', {
      hint: `A sum of decimals has at most ${DIGITS_MAX} digits.`,
    });
  return formatDecimal(sum.unscaled, scale ?? 0);
}

/** Digits of a mean that are computed before it is rounded to a double. */
const MEAN_DIGITS = 40;

/** The mean, rounded once; null where there was no value. */
export function readMean(value: DuckDBValue, { scale }: Column): number | null {
  const sum = sumOf(value, scale ?? 0);
  if (sum === undefined) return null;
  return Number(`${(sum.unscaled * 10n ** BigInt(MEAN_DIGITS)) / sum.count}e-${MEAN_DIGITS + (scale ?? 0)}`);
}
