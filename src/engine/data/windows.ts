/** Where all rows of a file or a table are gone through: how many are read together, and after how many others get a turn. */

/** Rows read at once, about. */
export const WINDOW_ROWS = 50_000;
export const ROWS_PER_TURN = 2_000;

/** Windows of identities [lo, hi), below a bound. */
export function windowsBelow(end: number): { readonly lo: number; readonly hi: number }[] {
  return Array.from({ length: Math.ceil(end / WINDOW_ROWS) }, (_value, index) => ({
    lo: index * WINDOW_ROWS,
    hi: (index + 1) * WINDOW_ROWS,
  }));
}
