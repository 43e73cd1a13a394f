/**
 * Introspection, in parts and once: the types of a schema are asked for some at a time, with turns of the event loop for
 * everybody else in between, one document after the other; answers are kept as text, up to a number of bytes.
 */
import { setImmediate } from 'node:timers/promises';
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import { type RowCopies, type RowCopy, Slots } from '../../engine/index.ts';

/** Types that are described in one turn of the event loop. */
const TYPES_AT_ONCE = 50;
/** Documents that wait for their turn. */
const WAITING_MAX = 100;

type Execute = (args: ExecutionArgs) => Promise<ExecutionResult> | ExecutionResult;
type Data = Record<string, unknown>;

/** The fields of a selection, fragments opened; a fragment's directives go to its fields. */
function fieldsOf(
  set: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  directives: FieldNode['directives'] = [],
): FieldNode[] {
  return set.selections.flatMap((selection): FieldNode[] => {
    const all = [...directives, ...(selection.directives ?? [])];
    if (selection.kind === Kind.FIELD) return [{ ...selection, directives: all }];
    const below = selection.kind === Kind.INLINE_FRAGMENT ? selection.selectionSet : fragments.get(selection.name.value)?.selectionSet;
    return below === undefined ? [] : fieldsOf(below, fragments, all);
  });
}

function keyOf({ alias, name }: FieldNode): string {
  return alias?.value ?? name.value;
}

/** A document in which the operation selects some fields alone. Fragments stay: they are used below. */
function selecting(document: DocumentNode, operation: OperationDefinitionNode, fields: readonly FieldNode[]): DocumentNode {
  const only = { ...operation, selectionSet: { kind: Kind.SELECTION_SET, selections: fields } } as const;
  return { ...document, definitions: document.definitions.map((one) => (one === operation ? only : one)) };
}

/** An operation whose introspection of all types is asked for in parts. */
class Introspection {
  readonly #args: ExecutionArgs;
  readonly #execute: Execute;
  readonly #operation: OperationDefinitionNode;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly fields: readonly FieldNode[];

  constructor(args: ExecutionArgs, operation: OperationDefinitionNode, execute: Execute) {
    this.#args = args;
    this.#operation = operation;
    this.#execute = execute;
    for (const one of args.document.definitions) if (one.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(one.name.value, one);
    this.fields = fieldsOf(operation.selectionSet, this.#fragments);
  }

  /** Whether a field of the operation lists all types. */
  isHeavy(field: FieldNode): boolean {
    return field.name.value === '__schema' && this.#below(field).some(({ name }) => name.value === 'types');
  }

  #below({ selectionSet }: FieldNode): FieldNode[] {
    return selectionSet === undefined ? [] : fieldsOf(selectionSet, this.#fragments);
  }

  async run(): Promise<ExecutionResult> {
    const light = this.fields.filter((field) => !this.isHeavy(field));
    const first = light.length === 0 ? { data: {} as Data } : await this.#ask(light, this.#args.schema);
    const found = (first.data ?? {}) as Data;
    if (first.data === null || first.data === undefined) return first;
    const data: Data = {};
    for (const field of this.fields) {
      const key = keyOf(field);
      const all = this.fields.filter((one) => keyOf(one) === key);
      if (!this.isHeavy(field)) data[key] = found[key];
      else if (!(key in data)) Object.assign(data, await this.#heavy(all));
    }
    return { ...first, data };
  }

  /** `__schema` under one name: what is not `types` first, then the types in parts. */
  async #heavy(fields: readonly FieldNode[]): Promise<Data> {
    const [field] = fields;
    const key = keyOf(field as FieldNode);
    const below = fields.flatMap((one) => this.#below(one));
    const asking = (selections: readonly FieldNode[]): FieldNode => ({
      ...(field as FieldNode),
      selectionSet: { kind: Kind.SELECTION_SET, selections },
    });
    const rest = below.filter(({ name }) => name.value !== 'types');
    const types = below.filter(({ name }) => name.value === 'types');
    const { schema } = this.#args;
    const besides = rest.length === 0 ? {} : (dataOf(await this.#ask([asking(rest)], schema))[key] as Data | undefined);
    // The field was left out by a directive.
    if (besides === undefined) return {};
    const lists = Object.create(null) as Record<string, unknown[]>;
    const names = Object.keys(schema.getTypeMap());
    for (let at = 0; at < names.length; at += TYPES_AT_ONCE) {
      await setImmediate();
      const data = dataOf(await this.#ask([asking(types)], partOf(schema, names.slice(at, at + TYPES_AT_ONCE))));
      for (const [name, list] of Object.entries((data[key] ?? {}) as Record<string, unknown[]>)) {
        const known = lists[name] ?? [];
        known.push(...list);
        lists[name] = known;
      }
    }
    const merged: Data = {};
    for (const name of below.map(keyOf)) {
      if (name in lists) merged[name] = lists[name];
      else if (name in besides) merged[name] = besides[name];
    }
    return { [key]: merged };
  }

  async #ask(fields: readonly FieldNode[], schema: GraphQLSchema): Promise<ExecutionResult> {
    return this.#execute({ ...this.#args, schema, document: selecting(this.#args.document, this.#operation, fields) });
  }
}

/** What a part brought. @throws GraphQLError what was wrong with it */
function dataOf({ data, errors }: ExecutionResult): Data {
  if (errors?.[0] !== undefined) throw errors[0];
  return data as Data;
}

/** A schema that lists some of its types, and knows all. */
function partOf(schema: GraphQLSchema, names: readonly string[]): GraphQLSchema {
  const all = schema.getTypeMap();
  const part = Object.fromEntries(names.map((name) => [name, all[name]]));
  // `getType` looks in the map that `getTypeMap` returns.
  return Object.create(schema, { getTypeMap: { value: () => part }, getType: { value: (name: string) => all[name] } }) as GraphQLSchema;
}

/** A result that is text: JSON over HTTP goes out as it is, over a WebSocket it is read once more. */
function resultOf(text: string): ExecutionResult {
  return {
    get data() {
      return (JSON.parse(text) as { data: Data }).data;
    },
    stringify: () => text,
  } as ExecutionResult;
}

/** The text of a result, of which each list is written by itself and with a turn of the event loop after it. */
async function textOf(data: Data): Promise<string> {
  const roots: string[] = [];
  for (const [key, root] of Object.entries(data)) {
    const fields: string[] = [];
    for (const [name, value] of Object.entries((root ?? {}) as Data)) {
      const parts: string[] = [];
      for (let at = 0; Array.isArray(value) && at < value.length; at += TYPES_AT_ONCE) {
        await setImmediate();
        parts.push(JSON.stringify(value.slice(at, at + TYPES_AT_ONCE)).slice(1, -1));
      }
      fields.push(`${JSON.stringify(name)}:${Array.isArray(value) ? `[${parts.join(',')}]` : JSON.stringify(value)}`);
    }
    roots.push(`${JSON.stringify(key)}:${root !== null && typeof root === 'object' ? `{${fields.join(',')}}` : JSON.stringify(root)}`);
  }
  return `{"data":{${roots.join(',')}}}`;
}

/** Asks for introspection in parts and one after the other, and keeps what was asked for alone. */
export class Introspections implements RowCopy {
  readonly #bytesMax: number;
  #schema: GraphQLSchema | undefined;
  #kept: LRUCache<string, string>;
  readonly #underWay = new Map<string, Promise<ExecutionResult>>();
  /** One document after the other. */
  readonly #slot = new Slots({
    slots: 1,
    waiting: {
      max: WAITING_MAX,
      limit: 'introspectionsWaitingMax',
      retryAfterMs: 1_000,
      message: `more than ${WAITING_MAX} different documents of introspection wait`,
    },
  });

  constructor(bytesMax: number, copies: RowCopies) {
    copies.join('introspection', this);
    this.#bytesMax = bytesMax;
    this.#kept = this.#empty();
  }

  /** Lets go of what is kept: values that were erased may stand in the documents. */
  forget(): void {
    this.#kept = this.#empty();
    this.#underWay.clear();
  }

  #empty(): LRUCache<string, string> {
    return new LRUCache({ maxSize: Math.max(1, this.#bytesMax) });
  }

  kept(): unknown {
    return [[...this.#kept.keys()], [...this.#underWay.keys()]];
  }

  plugin(): Plugin {
    return {
      onExecute: ({ args, executeFn, setExecuteFn }) => {
        const operation = getOperationAST(args.document, args.operationName);
        if (operation?.operation !== 'query' || !mayIntrospect(args.document)) return;
        setExecuteFn((given: ExecutionArgs) => this.#answer(given, operation, executeFn as Execute));
      },
    };
  }

  #answer(args: ExecutionArgs, operation: OperationDefinitionNode, execute: Execute): Promise<ExecutionResult> | ExecutionResult {
    const introspection = new Introspection(args, operation, execute);
    const { fields } = introspection;
    if (!fields.some((field) => introspection.isHeavy(field))) return execute(args);
    if (!fields.every(({ name }) => name.value.startsWith('__'))) return this.#slot.use(() => introspection.run());
    const { schema, document, operationName, variableValues } = args;
    if (this.#schema !== schema) {
      this.#schema = schema;
      this.#kept = this.#empty();
      this.#underWay.clear();
    }
    const text = document.loc?.source.body ?? '';
    const key = JSON.stringify([operationName ?? null, variableValues ?? {}, text], (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    const known = this.#kept.get(key);
    if (known !== undefined) return resultOf(known);
    return this.#underWay.get(key) ?? this.#begin(key, introspection);
  }

  #begin(key: string, introspection: Introspection): Promise<ExecutionResult> {
    const kept = this.#kept;
    const begun = this.#slot.use(async () => {
      const result = await introspection.run();
      if (result.errors !== undefined || result.data === null || result.data === undefined) return result;
      const json = await textOf(result.data as Data);
      kept.set(key, json, { size: json.length + key.length * 2 });
      return resultOf(json);
    });
    this.#underWay.set(key, begun);
    const end = (): void => {
      if (this.#underWay.get(key) === begun) this.#underWay.delete(key);
    };
    begun.then(end, end);
    return begun;
  }
}

const introspecting = new WeakMap<DocumentNode, boolean>();

/** Whether a document speaks of `__schema`, looked up once a document. */
function mayIntrospect(document: DocumentNode): boolean {
  let known = introspecting.get(document);
  if (known === undefined) {
    known = document.loc?.source.body.includes('__schema') ?? true;
    introspecting.set(document, known);
  }
  return known;
}
