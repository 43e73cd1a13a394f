import { describe, expect, it } from 'vitest';
import { parseMetrics } from '../support/prometheus-text.ts';

const lines = (...text: readonly string[]): string => `${text.join('\n')}\n`;
const COUNTER = ['# HELP a_total What.', '# TYPE a_total counter'];
const HISTOGRAM = ['# HELP h What.', '# TYPE h histogram'];

describe('the reader of metrics that other tests rely on', () => {
  it('reads names, labels and values', () => {
    const text = lines(
      ...COUNTER,
      'a_total{kind="x \\"y\\", z",more="1"} 3',
      'a_total{kind="b",more="2"} 4.5e-7',
      '',
      '# HELP g G.',
      '# TYPE g gauge',
      'g -2',
    );
    const families = parseMetrics(text);
    expect(families.get('a_total')).toMatchObject({ type: 'counter', help: 'What.', labels: ['kind', 'more'] });
    expect([...(families.get('a_total')?.samples.values() ?? [])]).toEqual([3, 4.5e-7]);
    expect(families.get('g')?.samples.get('g')).toBe(-2);
    const histogram = lines(...HISTOGRAM, 'h_bucket{le="1",k="x"} 1', 'h_bucket{le="+Inf",k="x"} 2', 'h_sum{k="x"} 3', 'h_count{k="x"} 2');
    expect(parseMetrics(histogram).get('h')?.labels).toEqual(['k']);
  });

  it.each([
    ['an end without a line end', `${COUNTER.join('\n')}\na_total 1`],
    ['a sample of no family', lines('a_total 1')],
    ['TYPE without HELP', lines('# TYPE a_total counter', 'a_total 1')],
    ['no type', lines('# HELP a_total What.', 'a_total 1')],
    ['another family', lines(...COUNTER, 'b_total 1')],
    ['a family twice', lines(...COUNTER, 'a_total 1', ...COUNTER)],
    ['a series twice', lines(...COUNTER, 'a_total 1', 'a_total 2')],
    ['a label twice', lines(...COUNTER, 'a_total{k="x",k="y"} 1')],
    ['a label that does not end', lines(...COUNTER, 'a_total{k="x} 1')],
    ['a comma after the last label', lines(...COUNTER, 'a_total{k="x",} 1')],
    ['no number', lines(...COUNTER, 'a_total Nan')],
    ['a counter below zero', lines(...COUNTER, 'a_total -1')],
    ['a counter of another name', lines('# HELP a What.', '# TYPE a counter', 'a 1')],
    ['buckets that fall', lines(...HISTOGRAM, 'h_bucket{le="1"} 2', 'h_bucket{le="+Inf"} 1', 'h_sum 3', 'h_count 1')],
    ['no last bucket', lines(...HISTOGRAM, 'h_bucket{le="1"} 2', 'h_sum 3', 'h_count 2')],
    ['another count than the last bucket', lines(...HISTOGRAM, 'h_bucket{le="+Inf"} 2', 'h_sum 3', 'h_count 3')],
  ])('refuses %s', (_what, text) => {
    expect(() => parseMetrics(text)).toThrow();
  });
});
