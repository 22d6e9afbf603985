import type { LeaseAnswer, LeaseExchange } from '../../contracts/index.ts'

/**
 * Who counts limits for all gateways: control, or Redis. The same message again is answered as the first time and counts
 * once.
 */
export interface LeaseAuthority {
  /** `control` or `redis`; for people. */
  readonly name: string
  /**
   * Rejects when it cannot be reached or does not answer in its time; then the message may have counted or not, and must
   * be sent again. Rejects with `LeaseRefused` when it will never take this message.
   */
  exchange(message: LeaseExchange): Promise<LeaseAnswer>
  close(): Promise<void>
}

export class LeaseRefused extends Error {}
