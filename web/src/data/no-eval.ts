import { config } from 'zod'

// The content policy forbids making code from text, which zod would try for speed. Must run before any schema is made.
config({ jitless: true })
