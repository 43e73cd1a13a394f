/**
 * Documents, parsed and validated once: kept up to a number of bytes, since one of a hundred tokens and one of twenty
 * thousand are both one document. Every transport parses and validates through this plugin. Keeps invariant 5.
 */
import { type DocumentNode, type GraphQLError, type GraphQLSchema, type Source, type ValidationRule, validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { RowCopies, RowCopy } from '../../engine/index.ts';
import { checkDocument, checkText, checkVariables, type DocumentLimits } from './document-limits.ts';

/** Memory of one token of a parsed document: its node, its place, and what execution keeps with it. */
const TOKEN_BYTES = 600;
/** A character of the text, as V8 keeps it at worst; the text is the key too. */
const CHARACTER_BYTES = 2;
/** Errors that validation looks for in a document: each costs a search for names that are meant. */
const VALIDATION_ERRORS_MAX = 10;

export class Documents implements RowCopy {
  readonly #limits: DocumentLimits;
  readonly #parsed: LRUCache<string, DocumentNode>;
  /** What is wrong with a document under a schema. Neither keeps the other, or the document, in memory. */
  #validated = new WeakMap<GraphQLSchema, WeakMap<DocumentNode, readonly GraphQLError[]>>();

  constructor(limits: DocumentLimits & { readonly documentCacheMiB: number }, copies: RowCopies) {
    this.#limits = limits;
    this.#parsed = new LRUCache({ maxSize: Math.max(1, limits.documentCacheMiB * 1024 * 1024) });
    copies.join('documents', this);
  }

  /** Bytes of the documents that are kept, about. */
  get bytes(): number {
    return this.#parsed.calculatedSize;
  }

  /** Lets go of all documents: values that were erased may stand in them. */
  forget(): void {
    this.#parsed.clear();
    this.#validated = new WeakMap();
  }

  kept(): unknown {
    return [...this.#parsed.keys()];
  }

  /** To stand first, so that a document that is refused is refused before all other work. */
  plugin(): Plugin {
    return {
      onParse: ({ context, params: { source }, parseFn, setParseFn }) => {
        const { params } = context as { readonly params?: { readonly variables?: unknown } };
        const text = typeof source === 'string' ? source : (source as Source).body;
        const known = this.#parsed.get(text);
        setParseFn((_: string | Source, options?: Record<string, unknown>) => {
          checkVariables(params?.variables);
          return known ?? this.#parse(text, (given) => parseFn(given, options) as DocumentNode);
        });
      },
      onValidate: ({ params: { schema, documentAST }, setResult, setValidationFn }) => {
        const known = this.#validated.get(schema)?.get(documentAST);
        if (known !== undefined) setResult([...known]);
        else
          setValidationFn((under: GraphQLSchema, document: DocumentNode, rules?: readonly ValidationRule[]) =>
            this.#validate(under, document, rules),
          );
      },
    };
  }

  #parse(text: string, parse: (text: string) => DocumentNode): DocumentNode {
    const tokens = checkText(text, this.#limits);
    const document = parse(text);
    checkDocument(document, this.#limits);
    this.#parsed.set(text, document, { size: tokens * TOKEN_BYTES + text.length * CHARACTER_BYTES });
    return document;
  }

  #validate(schema: GraphQLSchema, document: DocumentNode, rules: readonly ValidationRule[] | undefined): readonly GraphQLError[] {
    const errors = validate(schema, document, rules, { maxErrors: VALIDATION_ERRORS_MAX });
    let known = this.#validated.get(schema);
    if (known === undefined) {
      known = new WeakMap();
      this.#validated.set(schema, known);
    }
    known.set(document, errors);
    return errors;
  }
}
