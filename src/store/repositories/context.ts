import type { Clock } from '../../kernel/index.ts'
import type { Database } from '../database.ts'
import type { Watchers } from '../watchers.ts'

/** What every repository gets. */
export interface Context {
  readonly database: Database
  readonly clock: Clock
  readonly tell: Watchers['tell']
}
