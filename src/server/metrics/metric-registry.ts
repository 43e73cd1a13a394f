/**
 * Metrics of one server: a registry of its own, never the global one, so that servers in one process do not mix. A label's
 * values are listed where it is defined, and each begins at zero: labels stay few, and no series appears out of nowhere.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Values of each label; none where there are no labels. */
type LabelValues<Label extends string> = Readonly<Record<Label, readonly string[]>>;

export interface Definition<Label extends string> {
  /** Without the prefix `tidemark_`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: LabelValues<Label>;
}

export class MetricRegistry {
  readonly registry = new Registry();

  /** A number that only grows. Its name ends with `_total`. */
  counter<Label extends string = never>(definition: Definition<Label>): Counter<Label> {
    const counter = new Counter<Label>(this.#configuration(definition));
    for (const labels of combinations(definition.labels)) counter.inc(labels, 0);
    return counter;
  }

  gauge<Label extends string = never>(definition: Definition<Label>): Gauge<Label> {
    const gauge = new Gauge<Label>(this.#configuration(definition));
    for (const labels of combinations(definition.labels)) gauge.set(labels, 0);
    return gauge;
  }

  histogram<Label extends string = never>(definition: Definition<Label> & { readonly buckets: readonly number[] }): Histogram<Label> {
    const histogram = new Histogram<Label>({ ...this.#configuration(definition), buckets: [...definition.buckets] });
    for (const labels of combinations(definition.labels)) histogram.zero(labels);
    return histogram;
  }

  #configuration<Label extends string>({ name, help, labels }: Definition<Label>) {
    return { name: `tidemark_${name}`, help, labelNames: Object.keys(labels ?? {}) as Label[], registers: [this.registry] };
  }
}

type Labels<Label extends string> = Partial<Record<Label, string>>;

/** Every choice of one value a label. */
function combinations<Label extends string>(values: LabelValues<Label> | undefined): Labels<Label>[] {
  let all: Labels<Label>[] = [{}];
  for (const [label, list] of Object.entries(values ?? {}) as [Label, readonly string[]][])
    all = all.flatMap((labels) => list.map((value) => ({ ...labels, [label]: value })));
  return all;
}

/** Sets a counter to what was counted elsewhere. */
export function setTotals<Label extends string>(counter: Counter<Label>, totals: readonly (readonly [Labels<Label>, number])[]): void {
  counter.reset();
  for (const [labels, total] of totals) counter.inc(labels, total);
}
