import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packageRoot } from './entry.ts'
import { readPolicy } from './policy-file.ts'

const root = packageRoot()

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-policy-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const tier = '{ checks: [compatibility, accuracy], signOffs: 1 }'
const strict = `version: 1
name: strict
requiredAxes: [accuracy]
signOff: { notTheAuthor: true, expiresAfterDays: 2 }
tiers:
  parameter: ${tier}
  prompt: ${tier}
  same-family: ${tier}
  new-provider: ${tier}
  new-architecture: ${tier}
`

test('without a file the built-in policy holds', () =>
  expect(readPolicy(folder, undefined).name).toBe('default'))

test('the file of the data folder goes before it, and a named one before that', () => {
  writeFileSync(join(folder, 'policy.yaml'), strict)
  writeFileSync(join(folder, 'other.yaml'), strict.replace('name: strict', 'name: other'))
  expect(readPolicy(folder, undefined)).toMatchObject({ name: 'strict', requiredAxes: ['accuracy'] })
  expect(readPolicy(folder, join(folder, 'other.yaml')).name).toBe('other')
})

test.each([
  [
    'an axis that no check measures',
    strict.replace('[accuracy]', '[cost]'),
    /tiers.parameter: the axis cost/,
    6,
  ],
  ['a key that nobody knows', `${strict}signoffs: 2\n`, /signoffs/i, 11],
  ['no YAML', 'version: [1', /not YAML/, 1],
])('%s is refused with the file, the line and the reason', (_, text, says, line) => {
  writeFileSync(join(folder, 'policy.yaml'), text)
  expect(() => readPolicy(folder, undefined)).toThrow(says)
  expect(() => readPolicy(folder, undefined)).toThrow(/policy\.yaml/)
  expect(() => readPolicy(folder, undefined)).toThrow(
    expect.objectContaining({ code: 'policy_invalid', pointer: `${join(folder, 'policy.yaml')}:${line}` }),
  )
})

test('control does not start by a broken policy, and up says where it is broken', () => {
  const file = join(folder, 'policy.yaml')
  writeFileSync(file, strict.replace('signOffs: 1', 'signOffs: 99'))
  const environment = { ...process.env, SLIPWAY_DATA: folder, SLIPWAY_POLICY: '', DATABASE_URL: '' }
  Reflect.deleteProperty(environment, 'SLIPWAY_POLICY')
  Reflect.deleteProperty(environment, 'DATABASE_URL')
  const run = (...argv: string[]) =>
    spawnSync(process.execPath, argv, { cwd: root, env: environment, encoding: 'utf8', timeout: 60_000 })
  const control = run('src/apps/control.ts')
  expect([control.status, control.stdout + control.stderr]).toEqual([
    3,
    expect.stringMatching(/policy_invalid.*policy\.yaml:6.*tiers\.parameter\.signOffs/s),
  ])
  const up = run('src/cli/main.ts', 'up', '--bare', '--control-port', '0', '--gateway-port', '0')
  expect([up.status, up.stderr]).toEqual([3, expect.stringContaining(`  at ${file}:6\n`)])
  expect(up.stderr).toMatch(/^✘ The policy .*policy\.yaml:6 is invalid: tiers\.parameter\.signOffs: /)
}, 120_000)

test('a named file that is not there is refused, not passed over', () =>
  expect(() => readPolicy(folder, join(folder, 'none.yaml'))).toThrow(/none\.yaml/))
