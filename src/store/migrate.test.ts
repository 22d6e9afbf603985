import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { digestOfBytes } from '../kernel/index.ts'
import type { Database } from './database.ts'
import { migrate, readMigrations } from './migrate.ts'
import { preparedDatabase } from './testing.ts'

const migration = (number: number, sql: string) => ({
  number,
  name: `000${number}_test.sql`,
  sql,
  hash: digestOfBytes(sql),
})
const first = migration(1, 'CREATE TABLE a (x integer); INSERT INTO a VALUES (1);')
const second = migration(2, 'ALTER TABLE a ADD y integer;')

let database: Database
beforeAll(async () => {
  database = await preparedDatabase()
})
beforeEach(() =>
  database.transaction((session) => session.script('DROP SCHEMA public CASCADE; CREATE SCHEMA public;')),
)
afterAll(() => database.close())

const rows = () => database.transaction((session) => session.query('SELECT * FROM a'))

test('each is applied once, in order, also when one comes later', async () => {
  expect(await migrate(database, [first])).toEqual([1])
  expect(await migrate(database, [first, second])).toEqual([2])
  expect(await migrate(database, [first, second])).toEqual([])
  expect(await rows()).toEqual([{ x: 1, y: null }])
})

test('one that fails leaves nothing of itself, and is applied when it has been mended', async () => {
  const broken = migration(2, 'INSERT INTO a VALUES (2); ALTER TABLE none ADD y integer;')
  await expect(migrate(database, [first, broken])).rejects.toThrow('none')
  expect(await rows()).toEqual([{ x: 1 }])
  expect(await migrate(database, [first, second])).toEqual([2])
})

test.each([
  [
    'was changed after it was applied',
    [migration(1, `${first.sql} `), second],
    '0001_test.sql reads differently',
  ],
  ['is not known here', [first], 'has migration 0002_test.sql'],
])('a store with a migration that %s is refused', async (_, migrations, reason) => {
  await migrate(database, [first, second])
  await expect(migrate(database, migrations)).rejects.toMatchObject({
    code: 'store_incompatible',
    message: expect.stringContaining(reason),
  })
})

test('the shipped ones apply, and the logs they make are append-only', async () => {
  expect(await migrate(database)).toEqual(readMigrations().map((_, index) => index + 1))
  const script = (text: string) => database.transaction((session) => session.script(text))
  await script(`INSERT INTO audit VALUES (0, now(), 'ada', 'revoke key', 'k1', '{}', NULL, 'sha256:1')`)
  await expect(script(`UPDATE audit SET actor = 'eve'`)).rejects.toThrow('audit is append-only')
  await expect(script('DELETE FROM audit')).rejects.toThrow('audit is append-only')
})
