/** Names: what a table or column may be called, and the fold under which two names count as the same. */
import { EngineError } from './errors.ts';

const TABLE_NAME = /^[a-z][A-Za-z0-9_]{0,62}$/;
const COLUMN_NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;

const INHERITED: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Whether every JavaScript object has something under a name, so that `object[name]` may be nobody's value. */
export function isInherited(name: string): boolean {
  return INHERITED.has(name);
}

/** The fold under which names are compared: without case and underscores. */
export function foldName(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}

export function checkTableName(name: string, what = 'table name'): void {
  if (!TABLE_NAME.test(name)) {
    throw new EngineError('INVALID_NAME', `${what} ${JSON.stringify(name.slice(0, 80))} is not allowed`, {
      details: { name: name.slice(0, 80), pattern: TABLE_NAME.source },
      hint: 'A table name starts with a lower-case letter and has up to 63 letters, digits and underscores.',
    });
  }
}

export function checkColumnName(name: string, what = 'column name'): void {
  if (!COLUMN_NAME.test(name)) {
    throw new EngineError('INVALID_NAME', `${what} ${JSON.stringify(name.slice(0, 80))} is not allowed`, {
      details: { name: name.slice(0, 80), pattern: COLUMN_NAME.source },
      hint: 'A column name starts with a letter and has up to 63 letters, digits and underscores.',
    });
  }
}
