/** Limits on what a document may ask for, checked once a document, since parsed and validated documents are cached. */
import {
  type ASTVisitor,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  Lexer,
  type SelectionSetNode,
  Source,
  TokenKind,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';

export interface DocumentLimits {
  readonly depthMax: number;
  readonly aliasesMax: number;
  readonly tokensMax: number;
}

function exceeded(limit: string, maximum: number, actual: number): GraphQLError {
  return new GraphQLError(`${limit}: the document has ${actual}, more than the maximum of ${maximum}`, {
    extensions: { code: 'LIMIT_EXCEEDED', details: { limit, maximum, actual } },
  });
}

/** The deepest nesting of fields, introspection left out: it is cached, and GraphiQL's goes deep. */
function measure(document: DocumentNode): { depth: number; aliases: number } {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const depths = new Map<string, number>();
  let aliases = 0;
  const depthOf = (set: SelectionSetNode): number => {
    let deepest = 0;
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        if (selection.name.value.startsWith('__')) continue;
        if (selection.alias !== undefined) aliases += 1;
        deepest = Math.max(deepest, 1 + (selection.selectionSet === undefined ? 0 : depthOf(selection.selectionSet)));
      } else if (selection.kind === Kind.INLINE_FRAGMENT) deepest = Math.max(deepest, depthOf(selection.selectionSet));
      else deepest = Math.max(deepest, fragmentDepth(selection.name.value));
    }
    return deepest;
  };
  const fragmentDepth = (name: string): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    const fragment = fragments.get(name);
    // Cycles are another rule's to refuse; here they only must not recurse for ever.
    depths.set(name, 0);
    const depth = fragment === undefined ? 0 : depthOf(fragment.selectionSet);
    depths.set(name, depth);
    return depth;
  };
  let depth = 0;
  for (const definition of document.definitions)
    if (definition.kind === Kind.OPERATION_DEFINITION) depth = Math.max(depth, depthOf(definition.selectionSet));
  return { depth, aliases };
}

function limitsRule({ depthMax, aliasesMax }: DocumentLimits): ValidationRule {
  return function TidemarkDocumentLimits(context: ValidationContext): ASTVisitor {
    const { depth, aliases } = measure(context.getDocument());
    if (depth > depthMax) context.reportError(exceeded('depthMax', depthMax, depth));
    if (aliases > aliasesMax) context.reportError(exceeded('aliasesMax', aliasesMax, aliases));
    return {};
  };
}

/** How many tokens a document has, counted no further than one past the maximum. */
function countTokens(source: string | Source, maximum: number): number {
  const lexer = new Lexer(typeof source === 'string' ? new Source(source) : source);
  let count = 0;
  while (count <= maximum && lexer.advance().kind !== TokenKind.EOF) count += 1;
  return count;
}

/** Depth, aliases and tokens, as LIMIT_EXCEEDED {limit, maximum, actual}. */
export function documentLimits(limits: DocumentLimits): Plugin {
  const rule = limitsRule(limits);
  return {
    onParse: ({ parseFn, setParseFn }) => {
      setParseFn((source: string | Source, options?: Record<string, unknown>) => {
        const actual = countTokens(source, limits.tokensMax);
        if (actual > limits.tokensMax) throw exceeded('tokensMax', limits.tokensMax, actual);
        return parseFn(source, options);
      });
    },
    onValidate: ({ addValidationRule }) => addValidationRule(rule),
  };
}
