/**
 * Limits on what a document may ask for. The text is looked at first, token by token and without recursion, so that nothing
 * deep or long reaches the parser; the parsed document is measured once, before anything is validated or executed.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  Lexer,
  type SelectionSetNode,
  Source,
  TokenKind,
} from 'graphql';
import { isDeeper, LIMITS } from '../../engine/index.ts';

export interface DocumentLimits {
  readonly depthMax: number;
  readonly aliasesMax: number;
  readonly tokensMax: number;
  readonly directivesMax: number;
  readonly fragmentsMax: number;
  readonly fieldsMax: number;
  readonly documentKiB: number;
}

/** The flag that raises a limit; those without one are fixed. */
const FLAGS: Readonly<Record<string, string>> = {
  depthMax: '--max-depth',
  aliasesMax: '--max-aliases',
  tokensMax: '--max-tokens',
  directivesMax: '--max-directives',
  fragmentsMax: '--max-fragments',
  fieldsMax: '--max-fields',
  documentBytesMax: '--max-document',
};

/** Braces, brackets and parentheses inside one another, and objects and lists in variables. Bounds every recursion over them. */
const NESTING_MAX = LIMITS.jsonDepthMax + 50;
/** Characters of one name: an alias comes again in every row of an answer. */
const NAME_LENGTH_MAX = 256;
/** Lists of types, fields and the like inside one another in introspection; what tools ask has two. */
const INTROSPECTION_LISTS_MAX = 2;
/** Fields `__schema` and `__type` of different names in one document. */
const INTROSPECTIONS_MAX = 20;

function exceeded(limit: string, maximum: number, actual: number, what = 'the document has'): GraphQLError {
  const flag = FLAGS[limit];
  const hint = flag === undefined ? 'Ask for less at once.' : `Ask for less at once, or raise ${flag}.`;
  return new GraphQLError(`${limit}: ${what} ${actual}, more than the maximum of ${maximum}. ${hint}`, {
    extensions: { code: 'LIMIT_EXCEEDED', details: { limit, maximum, actual }, hint },
  });
}

/** How deep a document may nest its braces: every selection has a pair. */
function nestingMaxOf({ depthMax }: DocumentLimits): number {
  return Math.max(NESTING_MAX, depthMax + 100);
}

/** @throws GraphQLError LIMIT_EXCEEDED where variables are nested too deep */
export function checkVariables(variables: unknown): void {
  if (isDeeper(variables, NESTING_MAX)) throw exceeded('nestingMax', NESTING_MAX, NESTING_MAX + 1, 'the variables have levels to');
}

const OPENING: ReadonlySet<string> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING: ReadonlySet<string> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/**
 * Looks at a document's text before it is parsed. @returns how many tokens it has
 * @throws GraphQLError LIMIT_EXCEEDED, or a syntax error of the lexer
 */
export function checkText(text: string, limits: DocumentLimits): number {
  const bytesMax = limits.documentKiB * 1024;
  const bytes = text.length > bytesMax ? text.length : Buffer.byteLength(text);
  if (bytes > bytesMax) throw exceeded('documentBytesMax', bytesMax, bytes);
  const nestingMax = nestingMaxOf(limits);
  const lexer = new Lexer(new Source(text));
  let tokens = 0;
  let depth = 0;
  let directives = 0;
  let spreads = 0;
  for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
    tokens += 1;
    if (tokens > limits.tokensMax) throw exceeded('tokensMax', limits.tokensMax, tokens);
    if (OPENING.has(token.kind)) {
      depth += 1;
      if (depth > nestingMax) throw exceeded('nestingMax', nestingMax, depth);
    } else if (CLOSING.has(token.kind)) depth -= 1;
    else if (token.kind === TokenKind.AT) directives += 1;
    else if (token.kind === TokenKind.SPREAD) spreads += 1;
    else if (token.kind === TokenKind.NAME && token.end - token.start > NAME_LENGTH_MAX)
      throw exceeded('nameLengthMax', NAME_LENGTH_MAX, token.end - token.start, 'the document has a name of');
  }
  if (directives > limits.directivesMax) throw exceeded('directivesMax', limits.directivesMax, directives);
  if (spreads > limits.fragmentsMax) throw exceeded('fragmentsMax', limits.fragmentsMax, spreads);
  return tokens;
}

/** What stands below a selection, fragments followed: a fragment counts wherever it is spread. */
interface Measure {
  /** Levels of fields, introspection left out: GraphiQL's goes deep. */
  readonly depth: number;
  readonly fields: number;
  /** Fields that are lists of introspection, inside one another. */
  readonly lists: number;
}

const NOTHING: Measure = { depth: 0, fields: 0, lists: 0 };
const INTROSPECTION_LISTS: ReadonlySet<string> = new Set(['types', 'fields', 'inputFields', 'interfaces', 'possibleTypes']);

class Measuring {
  aliases = 0;
  /** The most lists inside one another below `__schema` or `__type`. */
  lists = 0;
  readonly introspections = new Set<string>();
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #known = new Map<string, Measure>();

  constructor(document: DocumentNode) {
    for (const definition of document.definitions)
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(definition.name.value, definition);
  }

  of(set: SelectionSetNode | undefined): Measure {
    let { depth, fields, lists } = NOTHING;
    for (const selection of set?.selections ?? []) {
      let below: Measure;
      if (selection.kind === Kind.FIELD) below = this.#field(selection);
      else if (selection.kind === Kind.INLINE_FRAGMENT) below = this.of(selection.selectionSet);
      else below = this.fragment(selection.name.value);
      depth = Math.max(depth, below.depth);
      fields += below.fields;
      lists = Math.max(lists, below.lists);
    }
    return { depth, fields, lists };
  }

  #field({ name: { value: name }, alias, selectionSet }: FieldNode): Measure {
    if (alias !== undefined) this.aliases += 1;
    const below = this.of(selectionSet);
    if (name === '__schema' || name === '__type') {
      this.introspections.add(alias?.value ?? name);
      this.lists = Math.max(this.lists, below.lists);
    }
    return {
      depth: name.startsWith('__') ? 0 : below.depth + 1,
      fields: below.fields + 1,
      lists: below.lists + (INTROSPECTION_LISTS.has(name) ? 1 : 0),
    };
  }

  /** Measured once, however often it is spread. */
  fragment(name: string): Measure {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    // Cycles are another rule's to refuse; here they only must not recurse for ever.
    this.#known.set(name, NOTHING);
    const measure = this.of(this.#fragments.get(name)?.selectionSet);
    this.#known.set(name, measure);
    return measure;
  }
}

/** @throws GraphQLError LIMIT_EXCEEDED {limit, maximum, actual} */
export function checkDocument(document: DocumentNode, limits: DocumentLimits): void {
  const measuring = new Measuring(document);
  let { depth, fields } = NOTHING;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) measuring.fragment(definition.name.value);
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const measure = measuring.of(definition.selectionSet);
    depth = Math.max(depth, measure.depth);
    fields = Math.max(fields, measure.fields);
  }
  const { lists } = measuring;
  const { depthMax, aliasesMax, fieldsMax } = limits;
  if (depth > depthMax) throw exceeded('depthMax', depthMax, depth);
  if (measuring.aliases > aliasesMax) throw exceeded('aliasesMax', aliasesMax, measuring.aliases);
  if (fields > fieldsMax) throw exceeded('fieldsMax', fieldsMax, fields, 'with its fragments in place the document has');
  if (lists > INTROSPECTION_LISTS_MAX) throw exceeded('introspectionListsMax', INTROSPECTION_LISTS_MAX, lists);
  if (measuring.introspections.size > INTROSPECTIONS_MAX)
    throw exceeded('introspectionsMax', INTROSPECTIONS_MAX, measuring.introspections.size);
}
