/** The table that the crash test writes, and rows whose every cell follows from the attempt that brought them. */
import type { TableDefinition } from '../../src/engine/index.ts';

export const crashTable: TableDefinition = {
  name: 'log',
  columns: [
    { name: 'round', type: 'INT' },
    { name: 'attempt', type: 'STRING' },
    { name: 'part', type: 'INT' },
    { name: 'filler', type: 'STRING' },
  ],
};

export interface CrashRow extends Record<string, unknown> {
  readonly round: number;
  readonly attempt: string;
  readonly part: number;
  readonly filler: string;
}

/** Batches of 70 rows and more have over 64 KB, so that they are staged as files. */
export function crashRow(round: number, attempt: string, part: number, count: number): CrashRow {
  return { round, attempt, part, filler: `${attempt}/${part};`.repeat(count >= 70 ? 120 : 3) };
}
