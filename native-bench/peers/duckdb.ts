/**
 * DuckDB as the peer for scans: one table in memory, numbers only (what Beckon keeps as dictionary codes is an INTEGER here too, which DuckDB scans faster
 * than its own ENUM or VARCHAR), queries prepared once. An in-memory table is not compressed, its row groups keep min and max: scans of random data read it all.
 *
 * What differs from Beckon's side: DuckDB answers any SQL over any table and pays some tenths of a millisecond per query for it, whatever the rows.
 */
import { loadPeerPackage } from './packages.ts';

export interface DuckDbColumn {
  readonly name: string;
  readonly type: 'INTEGER' | 'DOUBLE' | 'BOOLEAN';
  /** Of row 0 … rows - 1; null is NULL. A bool is 0 or 1. */
  valueOf(row: number): number | null;
}

/** A query that was prepared; runs on the threads that the database was opened with. */
export interface DuckDbCount {
  run(): Promise<number>;
}

interface Vector {
  setItem(index: number, value: number | boolean | null): void;
  flush(): void;
}
interface DataChunk {
  rowCount: number;
  getColumnVector(column: number): Vector;
}
interface Appender {
  appendDataChunk(chunk: DataChunk): void;
  closeSync(): void;
}
interface Prepared {
  runAndReadAll(): Promise<{ getRows(): readonly (readonly unknown[])[] }>;
}
interface Connection {
  run(sql: string): Promise<unknown>;
  createAppender(table: string): Promise<Appender>;
  prepare(sql: string): Promise<Prepared>;
  closeSync(): void;
}
interface Instance {
  connect(): Promise<Connection>;
  closeSync(): void;
}
interface Api {
  readonly DuckDBInstance: { create(path: string, options: Record<string, string>): Promise<Instance> };
  readonly DuckDBDataChunk: { create(types: readonly unknown[], rowCount: number): DataChunk };
  readonly INTEGER: unknown;
  readonly DOUBLE: unknown;
  readonly BOOLEAN: unknown;
  version(): string;
}

/** What a data chunk of DuckDB holds at most. */
const CHUNK_ROWS = 2048;

export class DuckDb {
  /** As in `v1.5.6`. */
  readonly version: string;
  readonly #api: Api;
  readonly #instance: Instance;
  readonly #connection: Connection;

  private constructor(api: Api, instance: Instance, connection: Connection) {
    this.version = api.version();
    this.#api = api;
    this.#instance = instance;
    this.#connection = connection;
  }

  /** Opens a database in memory; null where DuckDB is not installed. */
  static async open(threads: number): Promise<DuckDb | null> {
    const api = loadPeerPackage('@duckdb/node-api') as Api | null;
    if (api === null) return null;
    const instance = await api.DuckDBInstance.create(':memory:', { threads: String(threads) });
    return new DuckDb(api, instance, await instance.connect());
  }

  /** Creates and fills a table. */
  async createTable(table: string, columns: readonly DuckDbColumn[], rows: number): Promise<void> {
    await this.#connection.run(
      `CREATE TABLE ${table} (${columns.map(({ name, type }) => `"${name}" ${type}`).join(', ')})`,
    );
    const appender = await this.#connection.createAppender(table);
    const types = columns.map(({ type }) => this.#api[type]);
    for (let first = 0; first < rows; first += CHUNK_ROWS) {
      const chunk = this.#api.DuckDBDataChunk.create(types, Math.min(CHUNK_ROWS, rows - first));
      columns.forEach((column, index) => {
        fill(chunk.getColumnVector(index), column, first, chunk.rowCount);
      });
      appender.appendDataChunk(chunk);
    }
    appender.closeSync();
  }

  /** `where` as in `"tier" = 3 AND "spend" > 100`. */
  async prepareCount(table: string, where: string): Promise<DuckDbCount> {
    const prepared = await this.#connection.prepare(`SELECT count(*) FROM ${table} WHERE ${where}`);
    return {
      run: async () => Number((await prepared.runAndReadAll()).getRows()[0]?.[0]),
    };
  }

  async setThreads(threads: number): Promise<void> {
    await this.#connection.run(`SET threads = ${threads}`);
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

function fill(vector: Vector, column: DuckDbColumn, first: number, count: number): void {
  const isBool = column.type === 'BOOLEAN';
  for (let i = 0; i < count; i++) {
    const value = column.valueOf(first + i);
    vector.setItem(i, isBool && value !== null ? value === 1 : value);
  }
  vector.flush();
}
