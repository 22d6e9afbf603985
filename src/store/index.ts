export { openStore, type StoreOptions } from './open-store.ts'
export type * from './store.ts'
