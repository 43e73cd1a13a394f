/** The name that somebody may have meant: for messages about names that are not known. */

/** How far two words are apart: letters put in, taken out, changed, or two neighbours swapped (optimal string alignment). */
function distance(left: string, right: string): number {
  let before: number[] = [];
  let above = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let best = Math.min((above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (above[column - 1] ?? 0) + (same ? 0 : 1));
      const isSwapped = row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (isSwapped) best = Math.min(best, (before[column - 2] ?? 0) + 1);
      current.push(best);
    }
    before = above;
    above = current;
  }
  return above[right.length] ?? 0;
}

/** A longer word is not compared: it is no slip of the finger. */
const LENGTH_MAX = 64;

/** The nearest of some names, without regard to case; undefined where none is near. */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  if (word.length > LENGTH_MAX) return undefined;
  const asked = word.toLowerCase();
  let found: string | undefined;
  let best = Math.max(1, Math.floor(asked.length * 0.4)) + 1;
  for (const name of names) {
    const apart = distance(asked, name.toLowerCase());
    if (apart < best) {
      best = apart;
      found = name;
    }
  }
  return found;
}

/** The name that was meant, as a sentence with a space behind it; nothing where none is near. */
export function didYouMean(word: string, names: Iterable<string>, form = (name: string): string => name): string {
  const name = nearest(word, names);
  return name === undefined ? '' : `Did you mean ${form(name)}? `;
}

/** Names in a message, shortened: the first 20 and how many more there are. */
export function listed(names: readonly string[]): string {
  const first = names.slice(0, NAMES_MAX).join(', ');
  return names.length > NAMES_MAX ? `${first} and ${names.length - NAMES_MAX} more` : first;
}

const NAMES_MAX = 20;
