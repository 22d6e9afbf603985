import type { Kysely } from 'kysely'
import type { ConstructorOptions } from 'pg-boss'
import type { Tables } from './schema.ts'

/** One connection inside one open transaction, below the query builder: for scripts and COPY. */
export interface Session {
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** Several statements, without parameters. */
  script(text: string): Promise<void>
  /** `statement` without its source, e.g. `COPY t (a, b)`; `text` in COPY text format. Returns the rows taken. */
  copyIn(statement: string, text: string): Promise<number>
}

/** The one thing that differs between embedded and PostgreSQL. Errors of all its parts went through `asStoreError`. */
export interface Database {
  readonly kind: 'embedded' | 'postgres'
  readonly db: Kysely<Tables>
  /** Commits when `work` resolves, rolls back when it rejects. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>
  /** How a pg-boss of its own reaches the same database. */
  bossOptions(): ConstructorOptions
  close(): Promise<void>
}
