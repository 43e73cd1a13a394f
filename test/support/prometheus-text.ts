/**
 * A strict reader of Prometheus' text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats), which refuses what
 * a scraper may let pass: metrics without HELP or TYPE, families in pieces, series twice, histograms that do not add up.
 */

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Values by name and labels in the order in which they were written: `a_total{kind="x"}`. */
  readonly samples: ReadonlyMap<string, number>;
  /** Names of its labels but `le`. */
  readonly labels: readonly string[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/gy;
const VALUE = /^(?:[+-]?Inf|NaN|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

interface Open extends Family {
  readonly samples: Map<string, number>;
  readonly labels: string[];
  readonly buckets: Map<string, { readonly le: number; readonly count: number }[]>;
}

/** @throws Error naming the line that is wrong */
export function parseMetrics(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Open>();
  let help: readonly [name: string, text: string] | undefined;
  let open: Open | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    if (line === '') continue;
    if (line.startsWith('# HELP ')) {
      const [, name = '', said = ''] = /^# HELP (\S+) (.+)$/.exec(line) ?? fail('HELP says nothing');
      if (families.has(name)) fail('a family is said twice');
      help = [name, said];
      open = undefined;
    } else if (line.startsWith('# TYPE ')) {
      const [, name = '', type = ''] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? fail('no type');
      if (help?.[0] !== name) fail('TYPE without HELP');
      if (!NAME.test(name)) fail('no name');
      open = { name, help: help?.[1] ?? '', type: type as Family['type'], samples: new Map(), labels: [], buckets: new Map() };
      families.set(name, open);
    } else if (line.startsWith('#')) fail('a comment of no kind');
    else if (open === undefined) fail('a sample of no family');
    else addSample(open, line, fail);
  }
  for (const family of families.values()) if (family.type === 'histogram') checkBuckets(family);
  return families;
}

function addSample(family: Open, line: string, fail: (why: string) => never): void {
  const [, name = '', labelText, valueText = ''] = SAMPLE.exec(line) ?? fail('no sample');
  if (!VALUE.test(valueText)) fail('no value');
  const value = Number(valueText.replace('Inf', 'Infinity'));
  const labels = labelsOf(labelText, fail);
  const key = labelText === undefined ? name : `${name}{${labelText}}`;
  if (family.samples.has(key)) fail('a series twice');
  family.samples.set(key, value);
  for (const [label] of labels) if (label !== 'le' && !family.labels.includes(label)) family.labels.push(label);
  const part = name.slice(family.name.length);
  if (!name.startsWith(family.name) || (family.type === 'histogram' ? !/^_(bucket|sum|count)$/.test(part) : part !== ''))
    fail(`a sample of another family than ${family.name}`);
  if (family.type !== 'gauge' && !(value >= 0)) fail('a count below zero');
  if (family.type === 'counter' && !name.endsWith('_total')) fail('a counter whose name does not end with _total');
  if (part !== '_bucket' || family.type !== 'histogram') return;
  const series = JSON.stringify(labels.filter(([label]) => label !== 'le').sort());
  const le = labels.find(([label]) => label === 'le')?.[1] ?? fail('a bucket without le');
  const buckets = family.buckets.get(series) ?? [];
  buckets.push({ le: Number(le.replace('Inf', 'Infinity')), count: value });
  family.buckets.set(series, buckets);
}

function labelsOf(text: string | undefined, fail: (why: string) => never): [string, string][] {
  if (text === undefined) return [];
  const labels: [string, string][] = [];
  let read = 0;
  for (const [whole, label = '', value = ''] of text.matchAll(LABEL)) {
    if (labels.some(([name]) => name === label)) fail('a label twice');
    labels.push([label, value]);
    read += whole.length;
  }
  return read === text.length && !text.endsWith(',') ? labels : fail('labels that cannot be read');
}

function checkBuckets({ name, samples, buckets }: Open): void {
  for (const [series, list] of buckets) {
    const ascends = list.every(({ le, count }, at) => at === 0 || (le > (list[at - 1]?.le ?? 0) && count >= (list[at - 1]?.count ?? 0)));
    const last = list.at(-1);
    const labels = (JSON.parse(series) as [string, string][]).map(([label, value]) => `${label}="${value}"`);
    const total = [...samples].find(
      ([key]) =>
        key.startsWith(`${name}_count`) && labels.every((label) => key.includes(label)) && (labels.length > 0 || !key.includes('{')),
    );
    if (!ascends || last?.le !== Number.POSITIVE_INFINITY || total?.[1] !== last.count)
      throw new Error(`buckets of ${name} ${series} do not add up`);
  }
  if (samples.size > 0 && buckets.size === 0) throw new Error(`${name} has no buckets`);
}
