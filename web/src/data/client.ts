import { type Client, createClient } from '../../../src/sdk/index.ts'

/** The control that served this page; the session cookie signs in. */
export const client: Client = createClient({ controlUrl: location.origin })
