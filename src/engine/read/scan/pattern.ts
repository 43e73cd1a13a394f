/**
 * Patterns of `like` and `ilike`: `%` stands for any text, `_` for one code point, a backslash makes them plain. Matched in
 * time that is linear in the text, by DuckDB (its own LIKE for `%` alone, which it does not retry; RE2 for the rest) and in
 * memory alike; a test holds the two to a plain matcher. What would make RE2 slow is refused before.
 */
import { LIMITS, limitExceeded } from '../../model/limits.ts';

/** One code point of a piece: itself (in `ilike` any code point that folds to it), or any. */
type Token = { readonly codePoint: number } | 'any';

/** The text between two runs of `%`; a pattern without `%` is one piece. */
type Piece = readonly Token[];

export interface Pattern {
  readonly text: string;
  readonly ignoresCase: boolean;
  /** The first is at the start of the text, the last at its end, the others in their order in between. */
  readonly pieces: readonly Piece[];
}

/** Whether every backslash of a pattern stands before something that it makes plain. */
export function isWellFormedPattern(text: string): boolean {
  return !/(?:^|[^\\])(?:\\\\)*\\(?:[^\\%_]|$)/.test(text);
}

/** Reads a pattern that is well formed. @throws EngineError LIMIT_EXCEEDED */
export function parsePattern(text: string, ignoresCase: boolean): Pattern {
  const pieces: Token[][] = [[]];
  let length = 0;
  let escaped = false;
  for (const character of text) {
    length += 1;
    const piece = pieces.at(-1) as Token[];
    if (!escaped && character === '\\') escaped = true;
    else {
      if (!escaped && character === '%') pieces.push([]);
      else if (!escaped && character === '_') piece.push('any');
      else piece.push({ codePoint: character.codePointAt(0) as number });
      escaped = false;
    }
  }
  if (length > LIMITS.likePatternMax)
    throw limitExceeded('likePatternMax', LIMITS.likePatternMax, length, 'Use a shorter pattern, or contains, which takes any text.');
  const joined = joinedPieces(pieces);
  const any = joined.slice(1).reduce((sum, piece) => sum + piece.filter((token) => token === 'any').length, 0);
  if (any > LIMITS.likeAnyMax)
    throw limitExceeded('likeAnyMax', LIMITS.likeAnyMax, any, 'Use fewer _ behind the first %; before it there may be any number.');
  return { text, ignoresCase, pieces: joined };
}

/** `%_%` and `_%` mean the same: what begins a piece and is any code point goes before the `%`, so that empty pieces go. */
function joinedPieces(pieces: readonly Piece[]): Piece[] {
  const [first = [], ...others] = pieces;
  const joined: Token[][] = [[...first]];
  for (const [at, piece] of others.entries()) {
    const start = piece.findIndex((token) => token !== 'any');
    const any = start < 0 ? piece.length : start;
    (joined.at(-1) as Token[]).push(...piece.slice(0, any));
    const rest = piece.slice(any);
    if (rest.length > 0 || at === others.length - 1) joined.push(rest);
  }
  return joined;
}

/** How DuckDB is to match a pattern. */
type PatternSql = { readonly kind: 'equal' | 'like' | 'regexp'; readonly value: string };

export function patternSql({ text, ignoresCase, pieces }: Pattern): PatternSql {
  // Where only % is special, DuckDB's LIKE looks for the pieces one by one; with an ESCAPE it would try them in all places.
  const special = ['_', '\\', '\u0000'].some((character) => text.includes(character));
  if (!ignoresCase && !special) return { kind: text.includes('%') ? 'like' : 'equal', value: text };
  const write = (piece: Piece): string => piece.map((token) => (token === 'any' ? '.' : literal(token.codePoint, ignoresCase))).join('');
  // (?s): the dot is a line break too.
  return { kind: 'regexp', value: `(?s)${pieces.map(write).join('.*')}` };
}

/** A code point as RE2 reads it; without case, all that fold alike, so that RE2's own tables of case do not matter. */
function literal(codePoint: number, ignoresCase: boolean): string {
  const alike = ignoresCase ? foldTable().alike.get(foldTable().fold(codePoint)) : undefined;
  return alike === undefined ? escaped(codePoint) : `[${alike.map(escaped).join('')}]`;
}

const escaped = (codePoint: number): string => `\\x{${codePoint.toString(16)}}`;

/** Longer patterns are left to DuckDB, so that no row holds the event loop for long. */
const IN_MEMORY_MAX = 100;

/** A test of texts in memory; undefined where only DuckDB should look. */
export function patternTest({ pieces, ignoresCase, text: { length } }: Pattern): ((text: string) => boolean) | undefined {
  if (length > IN_MEMORY_MAX) return undefined;
  const fold = ignoresCase ? foldTable().fold : (codePoint: number): number => codePoint;
  const wanted = pieces.map((piece) => piece.map((token) => (token === 'any' ? ANY : fold(token.codePoint))));
  const [first = [], ...others] = wanted;
  const last = others.pop();
  return (text) => {
    const points = Array.from(text, (character) => fold(character.codePointAt(0) as number));
    if (!isAt(points, first, 0)) return false;
    if (last === undefined) return points.length === first.length;
    // The earliest place of each piece leaves the most to the next: nothing has to be tried again.
    let at = first.length;
    for (const piece of others) {
      const place = placeOf(points, piece, at);
      if (place < 0) return false;
      at = place + piece.length;
    }
    return points.length - last.length >= at && isAt(points, last, points.length - last.length);
  };
}

const ANY = -1;

function isAt(points: readonly number[], piece: readonly number[], place: number): boolean {
  if (place + piece.length > points.length) return false;
  return piece.every((point, at) => point === ANY || point === points[place + at]);
}

function placeOf(points: readonly number[], piece: readonly number[], from: number): number {
  for (let place = from; place + piece.length <= points.length; place += 1) if (isAt(points, piece, place)) return place;
  return -1;
}

interface FoldTable {
  /** Simple case folding: one code point to one. */
  readonly fold: (codePoint: number) => number;
  /** By what they fold to, all code points that do, where there are several. */
  readonly alike: ReadonlyMap<number, readonly number[]>;
}

/** Letters with case lie below it. */
const CASED_END = 0x1_f000;
/** The dotless i, which is no i, though its upper case is I. */
const DOTLESS_I = 0x131;
let table: FoldTable | undefined;

/** Made when it is first needed: some 3,000 letters. */
function foldTable(): FoldTable {
  if (table !== undefined) return table;
  const folds = new Map<number, number>();
  const alike = new Map<number, number[]>();
  for (let codePoint = 0; codePoint < CASED_END; codePoint += 1) {
    if ((codePoint >= 0xd800 && codePoint < 0xe000) || codePoint === DOTLESS_I) continue;
    const folded = foldOne(codePoint);
    if (folded === codePoint) continue;
    folds.set(codePoint, folded);
    const others = alike.get(folded);
    if (others === undefined) alike.set(folded, [folded, codePoint]);
    else others.push(codePoint);
  }
  table = { fold: (codePoint) => folds.get(codePoint) ?? codePoint, alike };
  return table;
}

/** To upper case, then to lower: so the two small sigmas meet. What becomes several code points stays as it is. */
function foldOne(codePoint: number): number {
  const character = String.fromCodePoint(codePoint);
  const upper = character.toUpperCase();
  const lower = (isOne(upper) ? upper : character).toLowerCase();
  return isOne(lower) ? (lower.codePointAt(0) as number) : codePoint;
}

const isOne = (text: string): boolean => text.length === 1 || (text.length === 2 && (text.codePointAt(0) as number) > 0xffff);
