/** What the demo shows: lines, a progress bar that stays below them on a terminal, and tables. */

const BAR_WIDTH = 40;
/** Without a terminal, a line for each of so many parts of the work. */
const STEPS = 10;

export class Screen {
  readonly #terminal = process.stdout.isTTY === true;
  #bar: string | undefined;

  bold(text: string): string {
    return this.#terminal ? `\x1b[1m${text}\x1b[22m` : text;
  }

  dim(text: string): string {
    return this.#terminal ? `\x1b[2m${text}\x1b[22m` : text;
  }

  colour(text: string): string {
    return this.#terminal ? `\x1b[36m${text}\x1b[39m` : text;
  }

  /** A line, above the bar where there is one. */
  line(text = ''): void {
    if (this.#bar === undefined) process.stdout.write(`${text}\n`);
    else process.stdout.write(`\r\x1b[2K${text}\n${this.#bar}`);
  }

  title(text: string): void {
    this.line();
    this.line(this.bold(text));
  }

  /** How far some work is: a bar on a terminal, now and then a line elsewhere. */
  progress({ done, total, text }: { readonly done: number; readonly total: number; readonly text: string }): void {
    if (!this.#terminal) {
      const step = Math.max(1, Math.floor(total / STEPS));
      if (done % step === 0 || done === total) this.line(`${done} of ${total} days, ${text}`);
      return;
    }
    const filled = Math.round((done / total) * BAR_WIDTH);
    const bar = `${this.colour('█'.repeat(filled))}${this.dim('░'.repeat(BAR_WIDTH - filled))}`;
    this.#bar = `${bar} ${String(Math.round((done / total) * 100)).padStart(3)}%  ${text}`;
    process.stdout.write(`\r\x1b[2K${this.#bar}`);
  }

  /** Takes the bar away. */
  finish(): void {
    if (this.#bar === undefined) return;
    process.stdout.write('\r\x1b[2K');
    this.#bar = undefined;
  }

  /** A table: numbers to the right, all else to the left. */
  table(header: readonly string[], rows: readonly (readonly string[])[]): void {
    const widths = header.map((name, at) => Math.max(name.length, ...rows.map((row) => (row[at] ?? '').length)));
    const numeric = header.map((_, at) => at > 0 && rows.every((row) => /^[-\d]/.test(row[at] ?? '0')));
    const put = (cells: readonly string[], style: (text: string) => string): string =>
      cells.map((cell, at) => style(numeric[at] ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0))).join('   ');
    this.line(`  ${put(header, (text) => this.dim(text))}`);
    for (const row of rows) this.line(`  ${put(row, (text) => text)}`);
  }
}

const NUMBERS = new Intl.NumberFormat('en');

export function counted(value: number): string {
  return NUMBERS.format(value);
}

export function milliseconds(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
