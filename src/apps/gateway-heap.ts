import { setFlagsFromString } from 'node:v8'

/**
 * Imported first by the gateway, since V8 reads these when it next sizes its heap.
 *
 * Almost nothing outlives its request. Left alone, V8 answers the load with a young generation of 134 MB and lets dead
 * buffers pile up in the old one: over 300 MB resident, then a long pause. With these it stays flat near 135 MB, at the
 * same 24 µs of CPU a request (a million requests at 32 connections).
 */
setFlagsFromString('--semi-space-growth-factor=1')
setFlagsFromString('--heap-growing-percent=25')
