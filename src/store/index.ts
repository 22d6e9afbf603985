export type * from './batch-store.ts'
export { openStore } from './open-store.ts'
export type * from './store.ts'
