import { defineConfig } from 'vitest/config'

/** The whole product as its user meets it. Alone on the machine, since it measures. */
export default defineConfig({
  test: {
    include: ['test/story/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 300_000,
    bail: 1,
  },
})
