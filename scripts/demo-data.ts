/** The demo's data: three data sets of the vega-datasets package as tables and rows. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { TableDefinition } from '../src/engine/index.ts';

export type WireRow = Readonly<Record<string, unknown>>;

export const FLIGHTS: TableDefinition = {
  name: 'flights',
  description: 'Flights within the United States, January to June 2001.',
  columns: [
    { name: 'date', type: 'TIMESTAMP', required: true, description: 'Departure, local time.' },
    { name: 'delay', type: 'LONG', description: 'Minutes late; negative where early.' },
    { name: 'distance', type: 'LONG', description: 'Miles.' },
    { name: 'origin', type: 'STRING', required: true, description: 'IATA code.' },
    { name: 'destination', type: 'STRING', required: true, description: 'IATA code.' },
  ],
};

export const AIRPORTS: TableDefinition = {
  name: 'airports',
  description: 'Airports of the United States.',
  columns: [
    { name: 'iata', type: 'STRING', required: true },
    { name: 'name', type: 'STRING' },
    { name: 'city', type: 'STRING' },
    { name: 'state', type: 'STRING' },
    { name: 'country', type: 'STRING' },
    { name: 'latitude', type: 'DOUBLE' },
    { name: 'longitude', type: 'DOUBLE' },
  ],
  primaryKey: ['iata'],
};

export const EARTHQUAKES: TableDefinition = {
  name: 'earthquakes',
  description: 'Earthquakes of one week, as the USGS reported them.',
  columns: [
    { name: 'code', type: 'STRING', required: true },
    { name: 'time', type: 'TIMESTAMPTZ', required: true },
    { name: 'place', type: 'STRING' },
    { name: 'magnitude', type: 'DOUBLE' },
    { name: 'longitude', type: 'DOUBLE' },
    { name: 'latitude', type: 'DOUBLE' },
    { name: 'depth_km', type: 'DOUBLE' },
    { name: 'tsunami', type: 'BOOLEAN' },
  ],
  primaryKey: ['code'],
};

function dataset(name: string): string {
  const entry = createRequire(import.meta.url).resolve('vega-datasets');
  const package_ = join('node_modules', 'vega-datasets');
  return join(entry.slice(0, entry.lastIndexOf(package_) + package_.length), 'data', name);
}

/** What reads the demo's files: DuckDB, in this process, with no part in the server. */
export class DemoData {
  readonly #rows: (sql: string) => Promise<WireRow[]>;
  readonly #close: () => void;

  private constructor(rows: (sql: string) => Promise<WireRow[]>, close: () => void) {
    this.#rows = rows;
    this.#close = close;
  }

  static async open(): Promise<DemoData> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
    const connection = await instance.connect();
    const rows = async (sql: string): Promise<WireRow[]> => (await connection.runAndReadAll(sql)).getRowObjectsJson() as WireRow[];
    const close = (): void => {
      connection.closeSync();
      instance.closeSync();
    };
    return new DemoData(rows, close);
  }

  /** The days that have flights, in order: "2001-01-01". */
  async days(): Promise<string[]> {
    const found = await this.#rows(`SELECT DISTINCT date::DATE::VARCHAR AS day FROM ${this.#flights} ORDER BY day`);
    return found.map(({ day }) => String(day));
  }

  /** One day's flights. */
  flightsOf(day: string): Promise<WireRow[]> {
    return this.#rows(
      `SELECT strftime(date, '%Y-%m-%dT%H:%M:%S') AS date, delay::INT AS delay, distance::INT AS distance, origin, destination
       FROM ${this.#flights} WHERE date >= DATE '${day}' AND date < DATE '${day}' + 1 ORDER BY flights.date`,
    );
  }

  airports(): Promise<WireRow[]> {
    const columns = AIRPORTS.columns.map(({ name }) => name).join(', ');
    return this.#rows(`SELECT ${columns} FROM read_csv('${quoted(dataset('airports.csv'))}') ORDER BY iata`);
  }

  earthquakes(): WireRow[] {
    const { features } = JSON.parse(readFileSync(dataset('earthquakes.json'), 'utf8')) as { features: Feature[] };
    return features.map(({ id, properties, geometry: { coordinates } }) => ({
      code: id,
      time: new Date(properties.time).toISOString(),
      place: properties.place,
      magnitude: properties.mag,
      longitude: coordinates[0] ?? null,
      latitude: coordinates[1] ?? null,
      depth_km: coordinates[2] ?? null,
      tsunami: properties.tsunami === 1,
    }));
  }

  close(): void {
    this.#close();
  }

  get #flights(): string {
    return `read_parquet('${quoted(dataset('flights-3m.parquet'))}') AS flights`;
  }
}

interface Feature {
  readonly id: string;
  readonly properties: { readonly time: number; readonly place: string | null; readonly mag: number | null; readonly tsunami: number };
  readonly geometry: { readonly coordinates: readonly number[] };
}

function quoted(path: string): string {
  return path.replaceAll("'", "''");
}
