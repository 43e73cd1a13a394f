/** What a subscription document says about resuming: which variable takes the position, and whether events tell theirs. */
import { type DocumentNode, Kind, type OperationDefinitionNode, parse, print } from 'graphql';
import { fieldsOf } from './selections.ts';

/** How a subscription is resumed. */
export interface ResumeFacts {
  /** The name of the variable that is passed as `after`. */
  readonly variable: string;
  /** The type of the variable: String for row changes, SafeInt for commits. */
  readonly type: 'SafeInt' | 'String';
  /** Whether the variable has a default in the document. */
  readonly hasDefault: boolean;
}

/** Subscriptions that take `after`. Others go to the server as they are, which knows what is misspelt. */
const IS_RESUMED = /^(?:snapshotCommitted|changes|\w+Changes)$/;

/** By document, then by the operation's name. */
const facts = new WeakMap<DocumentNode, Map<string, ResumeFacts | null>>();
/** Documents that came as text; the newest few hundred. */
const parsed = new Map<string, DocumentNode>();
const PARSED_MAX = 300;

function documentOf(query: string | DocumentNode): DocumentNode {
  if (typeof query !== 'string') return query;
  let document = parsed.get(query);
  if (document === undefined) {
    document = parse(query);
    if (parsed.size >= PARSED_MAX) parsed.delete(parsed.keys().next().value as string);
    parsed.set(query, document);
  }
  return document;
}

/**
 * Reads from a document how its subscription is resumed.
 * @returns null for a document that is not resumed: a query, a mutation, a live query, or a field that takes no `after`
 * @throws TypeError for a subscription to commits or row changes that cannot be resumed as it is written; the message says
 *   what to write
 */
export function resumeFacts(query: string | DocumentNode, operationName?: string | null): ResumeFacts | null {
  const document = documentOf(query);
  let byName = facts.get(document);
  if (byName === undefined) {
    byName = new Map();
    facts.set(document, byName);
  }
  const name = operationName ?? '';
  let found = byName.get(name);
  if (found === undefined) {
    found = readFacts(document, operationName);
    byName.set(name, found);
  }
  return found;
}

function readFacts(document: DocumentNode, operationName: string | null | undefined): ResumeFacts | null {
  const operations = document.definitions.filter((one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION);
  const operation = operationName == null ? operations[0] : operations.find(({ name }) => name?.value === operationName);
  if (operation === undefined || operation.operation !== 'subscription') return null;
  const [root] = fieldsOf(document, operation.selectionSet);
  if (root === undefined || !IS_RESUMED.test(root.name.value) || root.selectionSet === undefined) return null;
  const field = root.name.value;
  const type = field === 'snapshotCommitted' ? 'SafeInt' : 'String';
  const told = type === 'SafeInt' ? 'snapshotId' : 'cursor';
  const after = root.arguments?.find(({ name }) => name.value === 'after')?.value;
  if (after?.kind !== Kind.VARIABLE)
    throw new TypeError(
      `${field} cannot be resumed: pass a variable as \`after\`, so that it can move on. Write: subscription ($after: ${type}) { ${field}(after: $after) { ${told} ... } }, not: ${print(root).slice(0, 200)}`,
    );
  const tells = fieldsOf(document, root.selectionSet).filter(({ name }) => name.value === told);
  if (tells.length === 0) throw new TypeError(`${field} cannot be resumed: select \`${told}\`, which tells where an event ends`);
  if (!tells.some(({ alias }) => alias === undefined || alias.value === told))
    throw new TypeError(`${field} cannot be resumed: select \`${told}\` under its own name, not as \`${tells[0]?.alias?.value}\``);
  const variable = after.name.value;
  const definition = operation.variableDefinitions?.find((one) => one.variable.name.value === variable);
  return { variable, type, hasDefault: definition?.defaultValue !== undefined };
}

/**
 * The position after an event: the `cursor` of row changes or the `snapshotId` of a commit. Pass it as `after` to resume.
 * @returns undefined if the data have none
 */
export function positionOf(data: unknown): number | string | undefined {
  if (data === null || typeof data !== 'object') return undefined;
  const [event] = Object.values(data) as unknown[];
  if (event === null || typeof event !== 'object') return undefined;
  const { cursor, snapshotId } = event as { cursor?: unknown; snapshotId?: unknown };
  if (typeof cursor === 'string') return cursor;
  return typeof snapshotId === 'number' ? snapshotId : undefined;
}

type Variables = Readonly<Record<string, unknown>>;

/** A subscription's variables, whose position is looked up each time that they are read: also when a client sends them again. */
export function movingVariables(
  variables: Variables | null | undefined,
  { variable }: ResumeFacts,
  position: () => unknown,
): Record<string, unknown> {
  const moving: Record<string, unknown> = { ...variables };
  Object.defineProperty(moving, variable, { enumerable: true, configurable: true, get: position });
  return moving;
}
