/** A value as a client gave it, alike for literals of a document and for variables: for messages about what is wrong with it. */
import { Kind, type ObjectFieldNode, print, type ValueNode } from 'graphql';
import { literalValue } from './scalars.ts';

export interface GivenField {
  readonly name: string;
  readonly value: Given;
  readonly node: ObjectFieldNode | undefined;
}

export interface Given {
  readonly kind: 'null' | 'string' | 'number' | 'boolean' | 'enum' | 'list' | 'object' | 'variable';
  /** As it stands in a document, shortened. */
  readonly text: string;
  /** Of a literal: where it stands. */
  readonly node: ValueNode | undefined;
  /** Whether a variable stands in it somewhere. */
  readonly hasVariables: boolean;
  readonly items: () => readonly Given[];
  readonly fields: () => readonly GivenField[];
  /** As JavaScript has it; a variable inside is undefined. */
  readonly raw: () => unknown;
}

const TEXT_MAX = 60;

function shortened(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 3)}...` : text;
}

const KINDS: Readonly<Record<ValueNode['kind'], Given['kind']>> = {
  [Kind.NULL]: 'null',
  [Kind.STRING]: 'string',
  [Kind.INT]: 'number',
  [Kind.FLOAT]: 'number',
  [Kind.BOOLEAN]: 'boolean',
  [Kind.ENUM]: 'enum',
  [Kind.LIST]: 'list',
  [Kind.OBJECT]: 'object',
  [Kind.VARIABLE]: 'variable',
};

function hasVariables(node: ValueNode): boolean {
  if (node.kind === Kind.VARIABLE) return true;
  if (node.kind === Kind.LIST) return node.values.some(hasVariables);
  return node.kind === Kind.OBJECT && node.fields.some((field) => hasVariables(field.value));
}

export function givenLiteral(node: ValueNode): Given {
  return {
    kind: KINDS[node.kind],
    get text() {
      return shortened(print(node).replaceAll(/\s+/g, ' '));
    },
    node,
    get hasVariables() {
      return hasVariables(node);
    },
    items: () => (node.kind === Kind.LIST ? node.values.map(givenLiteral) : []),
    fields: () =>
      node.kind === Kind.OBJECT
        ? node.fields.map((field) => ({ name: field.name.value, value: givenLiteral(field.value), node: field }))
        : [],
    raw: () => literalValue(node, undefined),
  };
}

export function givenVariable(value: unknown): Given {
  return {
    kind: kindOf(value),
    get text() {
      return shortened(textOf(value));
    },
    node: undefined,
    hasVariables: false,
    items: () => (Array.isArray(value) ? value.map(givenVariable) : []),
    fields: () =>
      kindOf(value) === 'object'
        ? Object.entries(value as object).map(([name, inner]) => ({ name, value: givenVariable(inner), node: undefined }))
        : [],
    raw: () => value,
  };
}

function kindOf(value: unknown): Given['kind'] {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'list';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'boolean';
    case 'number':
    case 'bigint':
      return 'number';
    default:
      return 'object';
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  // A long list is not written out for its first few items.
  if (Array.isArray(value)) return `[${value.slice(0, 10).map(textOf).join(', ')}${value.length > 10 ? ', ...' : ''}]`;
  if (kindOf(value) === 'object') {
    const entries = Object.entries(value as object);
    return `{${entries
      .slice(0, 10)
      .map(([name, inner]) => `${name}: ${textOf(inner)}`)
      .join(', ')}${entries.length > 10 ? ', ...' : ''}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
