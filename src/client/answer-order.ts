/**
 * The order of answers: over HTTP and a WebSocket they arrive as the networks like, and what came first may be newer. Each
 * answer about the present is held against what newer ones have told already, a row and a field at a time.
 */
import { type DocumentNode, type FieldNode, Kind, type OperationDefinitionNode, type SelectionSetNode, valueFromASTUntyped } from 'graphql';
import { fieldsOf, keyOf } from './selections.ts';
import { TOLD } from './told-documents.ts';
import { isPresentView, isRowId, overtakenViewId } from './versions.ts';

type Objects = Readonly<Record<string, unknown>>;

/** What an answer was asked with. */
export interface Asked {
  /** As the application wrote it. */
  readonly query: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variables?: Objects | null | undefined;
}

/** A value as of a snapshot. */
interface Known {
  readonly at: number;
  readonly value: unknown;
}

/** Rows and fields of the present that are remembered, the newest. */
const ROWS_MAX = 10_000;
const FIELDS_MAX = 1_000;

class Recent<Value> {
  readonly #values = new Map<string, Value>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#max) this.#values.delete(this.#values.keys().next().value as string);
  }
}

export class AnswerOrder {
  #rows = new Recent<Map<string, Known>>(ROWS_MAX);
  /** Fields of the present, by name and arguments. */
  #fields = new Recent<Known>(FIELDS_MAX);
  /** The newest commit that a mutation of this client was answered with. */
  #committed = 0;

  #newest = 0;

  /** The newest snapshot that an answer has told. */
  get newest(): number {
    return this.#newest;
  }

  /**
   * Whether an answer is older than a snapshot that was told before it was asked for. Then the database was put back from a
   * backup, and all that is known is forgotten: it is of another one.
   */
  forgetIfRestored(asked: Asked, data: unknown, told: number): boolean {
    const isRestored = this.#views(asked, data).some(({ view, isPinned }) => !isPinned && snapshotOf(view) < told);
    if (isRestored) {
      this.#rows = new Recent(ROWS_MAX);
      this.#fields = new Recent(FIELDS_MAX);
      this.#committed = 0;
      this.#newest = 0;
    }
    return isRestored;
  }

  /** Whether a live answer is older than what mutations or other answers have told: a newer one is on its way, or nothing has changed. */
  isBehind(asked: Asked, data: unknown): boolean {
    return this.#views(asked, data).some(({ view, fields }) => snapshotOf(view) < this.#committed || this.#isLate(asked, view, fields));
  }

  /** Whether an answer about the present is older than what has been told of the same fields. A page that a cursor pins never is. */
  isLate(asked: Asked, data: unknown): boolean {
    return this.#views(asked, data).some(({ view, fields, isPinned }) => !isPinned && this.#isLate(asked, view, fields));
  }

  /** An answer with the newest that is known of its rows, without what was asked for beside. What it tells is remembered. */
  admit(asked: Asked, data: unknown): unknown {
    const operation = operationOf(asked);
    if (!isObject(data) || operation === undefined) return data;
    const admitted: Record<string, unknown> = { ...data };
    for (const field of fieldsOf(asked.query, operation.selectionSet)) {
      const key = keyOf(field);
      const value = data[key];
      if (!isObject(value) || field.selectionSet === undefined) continue;
      if (operation.operation === 'mutation') admitted[key] = this.#payload(asked, value, field.selectionSet);
      else if (isView(value)) admitted[key] = this.#view(asked, value, field.selectionSet);
    }
    return admitted;
  }

  #views(asked: Asked, data: unknown): { readonly view: Objects; readonly fields: readonly FieldNode[]; readonly isPinned: boolean }[] {
    const operation = operationOf(asked);
    if (!isObject(data) || operation === undefined) return [];
    return fieldsOf(asked.query, operation.selectionSet).flatMap((field) => {
      const view = data[keyOf(field)];
      if (!isObject(view) || field.selectionSet === undefined || !isPresentView(view[TOLD.viewId])) return [];
      const fields = fieldsOf(asked.query, field.selectionSet);
      return [{ view, fields, isPinned: fields.some((one) => hasCursor(asked, one)) }];
    });
  }

  #isLate(asked: Asked, view: Objects, fields: readonly FieldNode[]): boolean {
    return fields.some((field) => (this.#fields.get(fieldKey(asked, field))?.at ?? 0) > snapshotOf(view));
  }

  #payload(asked: Asked, payload: Objects, selectionSet: SelectionSetNode): Objects {
    const { [TOLD.commit]: commit, ...rest } = payload;
    const at = isObject(commit) ? (commit['snapshotId'] as number) : undefined;
    if (at !== undefined) {
      this.#committed = Math.max(this.#committed, at);
      this.#newest = Math.max(this.#newest, at);
    }
    const admitted: Record<string, unknown> = rest;
    for (const field of fieldsOf(asked.query, selectionSet)) {
      const key = keyOf(field);
      const value = rest[key];
      if (field.selectionSet === undefined) continue;
      if (field.name.value === 'view' && isObject(value)) admitted[key] = this.#view(asked, value, field.selectionSet);
      else if (at !== undefined) admitted[key] = this.#below(asked, value, field.selectionSet, at);
    }
    return admitted;
  }

  #view(asked: Asked, told: Objects, selectionSet: SelectionSetNode): Objects {
    const { [TOLD.viewId]: viewId, [TOLD.snapshotId]: snapshotId, ...view } = told;
    if (!isPresentView(viewId)) return view;
    const at = snapshotId as number;
    this.#newest = Math.max(this.#newest, at);
    const fields = fieldsOf(asked.query, selectionSet);
    const isOvertaken = this.#isLate(asked, told, fields);
    const admitted: Record<string, unknown> = view;
    for (const field of fields) {
      const key = keyOf(field);
      if (!(key in view)) continue;
      const name = fieldKey(asked, field);
      const known = this.#fields.get(name);
      if (field.selectionSet !== undefined) admitted[key] = this.#below(asked, view[key], field.selectionSet, at);
      else if (known !== undefined && known.at > at) admitted[key] = known.value;
      if (known === undefined || known.at <= at) {
        const value = field.selectionSet === undefined ? view[key] : undefined;
        if (!IDENTITY.has(field.name.value)) this.#fields.set(name, { at, value });
      }
      // The lists of an answer that was overtaken are not those of the present.
      if (isOvertaken && field.name.value === 'id' && operationOf(asked)?.operation === 'mutation') admitted[key] = overtakenViewId(at);
    }
    return admitted;
  }

  #below(asked: Asked, value: unknown, selectionSet: SelectionSetNode, at: number): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#below(asked, item, selectionSet, at));
    if (!isObject(value)) return value;
    const fields = fieldsOf(asked.query, selectionSet);
    const identity = fields.find(({ name }) => name.value === 'id');
    const id = identity === undefined ? undefined : value[keyOf(identity)];
    if (isRowId(id)) return this.#row(id, value, fields, at);
    const admitted: Record<string, unknown> = { ...value };
    for (const field of fields)
      if (field.selectionSet !== undefined) admitted[keyOf(field)] = this.#below(asked, admitted[keyOf(field)], field.selectionSet, at);
    return admitted;
  }

  #row(id: string, row: Objects, fields: readonly FieldNode[], at: number): Objects {
    const known = this.#rows.get(id) ?? new Map<string, Known>();
    const admitted: Record<string, unknown> = { ...row };
    for (const field of fields) {
      if (!(keyOf(field) in row)) continue;
      const name = field.name.value;
      const newest = known.get(name);
      if (newest !== undefined && newest.at > at) admitted[keyOf(field)] = newest.value;
      else known.set(name, { at, value: row[keyOf(field)] });
    }
    this.#rows.set(id, known);
    return admitted;
  }
}

/** Fields that say which object it is, the same in all answers. */
const IDENTITY: ReadonlySet<string> = new Set(['id', '__typename']);

function isObject(value: unknown): value is Objects {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isView(value: Objects): boolean {
  return typeof value[TOLD.snapshotId] === 'number';
}

function snapshotOf(view: Objects): number {
  return view[TOLD.snapshotId] as number;
}

function operationOf({ query, operationName }: Asked): OperationDefinitionNode | undefined {
  const operations = query.definitions.filter((one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION);
  return operations.find(({ name }) => name?.value === operationName) ?? operations[0];
}

/** A field's arguments, without those that are null or left out. */
function argumentsOf({ variables }: Asked, field: FieldNode): [string, unknown][] {
  return (field.arguments ?? [])
    .map(({ name, value }): [string, unknown] => [name.value, valueFromASTUntyped(value, (variables ?? {}) as Record<string, unknown>)])
    .filter(([, value]) => value !== undefined && value !== null);
}

function fieldKey(asked: Asked, field: FieldNode): string {
  const given = argumentsOf(asked, field).sort(([left], [right]) => (left < right ? -1 : 1));
  return `${field.name.value} ${JSON.stringify(given)}`;
}

/** Whether pages go on from a cursor here, or in the table below. */
function hasCursor(asked: Asked, field: FieldNode): boolean {
  if (argumentsOf(asked, field).some(([name]) => name === 'after' || name === 'before')) return true;
  return field.selectionSet !== undefined && fieldsOf(asked.query, field.selectionSet).some((below) => hasCursor(asked, below));
}
