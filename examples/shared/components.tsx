import { type ReactNode, useRef } from 'react';
import type { HistoryQuery, OrdersQuery } from '../generated/graphql.ts';
import { type Status, useConnections, useStatus } from './connection.ts';
import './style.css';

export type Snapshot = NonNullable<HistoryQuery['table']>['snapshots']['nodes'][number];
export type Order = NonNullable<NonNullable<OrdersQuery['asOf']>['orders']>['nodes'][number];

const STATUS: Readonly<Record<Status, string>> = { connecting: 'connecting', live: 'live', offline: 'offline, trying again' };

export function Page({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const status = useStatus();
  return (
    <main>
      <header>
        <h1>Orders</h1>
        <small>{title}</small>
        <output className={`badge ${status}`}>{STATUS[status]}</output>
      </header>
      {children}
    </main>
  );
}

interface TimeSliderProps {
  /** Oldest first. */
  readonly snapshots: readonly Snapshot[];
  /** The snapshot that is looked at; undefined for now. */
  readonly at: number | undefined;
  readonly onChange: (at: number | undefined) => void;
}

/** Back in time, one snapshot a step. At its right end it is now, and stays now. */
export function TimeSlider({ snapshots, at, onChange }: TimeSliderProps) {
  const last = snapshots.length - 1;
  const found = snapshots.findIndex(({ snapshotId }) => snapshotId === at);
  const position = found < 0 ? last : found;
  const shown = snapshots[position];
  return (
    <section className="slider">
      <input
        type="range"
        aria-label="Snapshot"
        min={0}
        max={Math.max(last, 0)}
        value={Math.max(position, 0)}
        onChange={({ target }) => onChange(target.valueAsNumber === last ? undefined : snapshots[target.valueAsNumber]?.snapshotId)}
      />
      <p>
        {shown === undefined ? (
          'no snapshots yet'
        ) : (
          <>
            <b>{at === undefined ? 'now' : `as of snapshot ${shown.snapshotId}`}</b>
            <span>
              {shown.operation.toLowerCase()} at {new Date(shown.timestamp).toLocaleTimeString()}, {snapshots.length} snapshots
            </span>
          </>
        )}
      </p>
      <button type="button" disabled={at === undefined} onClick={() => onChange(undefined)}>
        Back to now
      </button>
    </section>
  );
}

interface OrderTableProps {
  readonly orders: readonly Order[];
  readonly total: number;
  /** Absent where the past is shown: it cannot be changed. */
  readonly onShip?: ((orderId: string) => void) | undefined;
}

export function OrderTable({ orders, total, onShip }: OrderTableProps) {
  return (
    <div className="orders">
      <table>
        <thead>
          <tr>
            <th>Order</th>
            <th>Customer</th>
            <th>Amount</th>
            <th>Status</th>
          </tr>
        </thead>
        <tbody>
          {orders.map(({ order_id, customer, amount, status }) => (
            <tr key={order_id} className={status ?? ''}>
              <td>{order_id}</td>
              <td>{customer}</td>
              <td>{amount?.toFixed(2)}</td>
              <td>
                <span>{status}</span>
                {status === 'new' && onShip !== undefined && (
                  <button type="button" onClick={() => onShip(order_id)}>
                    Ship
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="total">
        {orders.length} of {total} orders
      </p>
    </div>
  );
}

/** What went wrong, until something else is tried, or there is a connection again. */
export function Failure({ error }: { readonly error: Error | undefined }) {
  const connections = useConnections();
  const seen = useRef({ error, connections });
  if (seen.current.error !== error) seen.current = { error, connections };
  return error === undefined || seen.current.connections !== connections ? null : (
    <p className="error" role="alert">
      {error.message}
    </p>
  );
}

const NAMES = ['Alice', 'Bob', 'Carol', 'Dave', 'Erin'];

/** A new order, for the button that appends one. */
export function someOrder(): { order_id: string; customer: string; amount: number; status: string } {
  return {
    order_id: String(Date.now()),
    customer: NAMES[Math.floor(Math.random() * NAMES.length)] ?? '',
    amount: Math.round(Math.random() * 10_000) / 100,
    status: 'new',
  };
}
