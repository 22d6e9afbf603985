export { type ChainFault, chainEvent, verifyChain } from './chain.ts'
export { openStore, type StoreOptions } from './open-store.ts'
export type * from './store.ts'
