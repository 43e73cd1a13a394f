/** Metrics of the live path, from what it says of itself. */
import { LIVE_CLASSES, type LiveClass, type LiveFigures } from '../../pubsub/index.ts';
import { type MetricRegistry, setTotals } from './metric-registry.ts';

type ClassFigures = LiveFigures['classes'][LiveClass];

/** @returns what brings the metrics up to date */
export function liveMetrics(metrics: MetricRegistry): (figures: LiveFigures) => void {
  const connections = metrics.gauge({
    name: 'live_connections',
    help: 'Open connections that can carry subscriptions.',
    labels: { transport: ['websocket', 'event_stream'] },
  });
  const paused = metrics.gauge({ name: 'live_paused_connections', help: 'Connections that wait for their client to read.' });
  const closed = metrics.counter({
    name: 'live_closed_connections_total',
    help: 'Connections that the server closed: the client did not read, or there were too many.',
    labels: { reason: ['stalled', 'refused'] },
  });
  const classes = classMetrics(metrics);
  return (figures) => {
    connections.set({ transport: 'websocket' }, figures.sockets.webSocket);
    connections.set({ transport: 'event_stream' }, figures.sockets.eventStream);
    paused.set(figures.paused);
    setTotals(closed, [
      [{ reason: 'stalled' }, figures.closed.stalled],
      [{ reason: 'refused' }, figures.closed.refused],
    ]);
    classes(figures);
  };
}

function classMetrics(metrics: MetricRegistry): (figures: LiveFigures) => void {
  const labels = { class: LIVE_CLASSES };
  const gauges = {
    subscriptions: metrics.gauge({ name: 'live_subscriptions', help: 'Open subscriptions.', labels }),
    distinct: metrics.gauge({
      name: 'live_distinct_subscriptions',
      help: 'Different ones among them: each is executed once an event.',
      labels,
    }),
    lagSnapshots: metrics.gauge({
      name: 'live_lag_snapshots',
      help: 'How many snapshots the subscriber furthest behind is behind.',
      labels,
    }),
  };
  const counters = {
    executions: metrics.counter({ name: 'live_executions_total', help: 'Executions of subscriptions for an event.', labels }),
    events: metrics.counter({ name: 'live_events_total', help: 'Events sent to subscribers.', labels }),
  };
  return ({ classes }) => {
    const totals = (figure: keyof ClassFigures) => LIVE_CLASSES.map((name) => [{ class: name }, classes[name][figure]] as const);
    for (const figure of ['subscriptions', 'distinct', 'lagSnapshots'] as const)
      for (const name of LIVE_CLASSES) gauges[figure].set({ class: name }, classes[name][figure]);
    for (const figure of ['executions', 'events'] as const) setTotals(counters[figure], totals(figure));
  };
}
