import { OPTIONS, type Option } from './options.ts';

/** The text of --help. */
export function helpText(): string {
  const lines = Object.values(OPTIONS).map((option: Option) => {
    const parsed = option.schema.safeParse(undefined);
    const fallback =
      parsed.success && parsed.data !== undefined && parsed.data !== false && !Array.isArray(parsed.data)
        ? ` (${String(parsed.data)})`
        : '';
    return `  ${`--${option.flag} ${option.argument}`.trim().padEnd(30)} ${option.variable.padEnd(33)} ${option.text}${fallback}`;
  });
  return [
    'Tidemark: a GraphQL database of snapshots.',
    '',
    'Usage: tidemark [flags]           serves; from a checkout: npm start -- [flags]',
    '       tidemark verify [flags]    reads everything that is stored, recomputes its hashes, and exits with 1 if something is wrong',
    '',
    `  ${'flag'.padEnd(30)} ${'variable'.padEnd(33)} meaning (default)`,
    ...lines,
    `  ${'--help, -h'.padEnd(30)} ${''.padEnd(33)} this text`,
    `  ${'--version, -v'.padEnd(30)} ${''.padEnd(33)} the version`,
    '',
    'A flag wins over its variable. Unknown flags and TIDEMARK_ variables are errors.',
  ].join('\n');
}
