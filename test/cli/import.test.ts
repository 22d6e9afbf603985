import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'slipway-import-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const slipway = (...words: string[]) => {
  const { status, stderr, stdout } = spawnSync(join(process.cwd(), 'bin/slipway'), ['import', ...words], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  return { status, out: stdout, err: stderr }
}

const whole = file(
  'whole.json',
  JSON.stringify({ provider: 'openai', api_key: 'sk-1234', override_params: { model: 'gpt-4o' } }),
)

describe('slipway import', () => {
  test('writes the files once, and over them only when told', () => {
    const out = join(folder, 'out')
    const first = slipway('portkey', whole, '--out', out, '--model', 'chat')
    expect(first).toMatchObject({ status: 0, err: '' })
    expect(first.out).toMatch(/\$\.api_key: ~ changed .*set OPENAI_API_KEY/)
    expect(first.out).toContain('slipway model add models/chat.yaml')
    writeFileSync(join(out, 'providers.yaml'), 'mine')
    const second = slipway('portkey', whole, '--out', out, '--model', 'chat')
    expect(second).toMatchObject({ status: 3, err: expect.stringContaining('providers.yaml exists already') })
    expect(readFileSync(join(out, 'providers.yaml'), 'utf8')).toBe('mine')
    expect(slipway('portkey', whole, '--out', out, '--model', 'chat', '--yes').status).toBe(0)
    expect(readFileSync(join(out, 'providers.yaml'), 'utf8')).toContain('kind: openai')
  })

  test('exits with 1 where something is not preserved, and says all of it as JSON', () => {
    const { out, status } = slipway('litellm', 'samples/llm/litellm.yaml', '--json')
    expect(status).toBe(1)
    const told = JSON.parse(out)
    expect(told.isWhole).toBe(false)
    expect(told.files).toContain('versions/gpt-4o.v2.json')
    expect(told.report[0]).toEqual({
      path: 'model_list[0].model_name',
      line: 3,
      outcome: 'kept',
      to: 'model gpt-4o',
    })
  })

  test.each([
    ['no such file', ['litellm', join(folder, 'none.yaml')], /no file .*none\.yaml/],
    ['not YAML', ['litellm', file('bad.yaml', 'a: 1\nmodel_list: [')], /✘ not YAML[\s\S]*bad\.yaml:2/],
    ['not JSON', ['portkey', file('bad.json', '{"a": }')], /✘ not JSON/],
    ['a folder', ['portkey', folder], /EISDIR/],
    ['an unknown tool', ['other', 'x'], /unknown command 'other'/],
  ])('refuses with 3: %s', (_, words, says) => {
    const { err, out, status } = slipway(...words)
    expect([status, out]).toEqual([3, ''])
    expect(err).toMatch(says)
  })

  test('a file of something else becomes nothing, and that is said', () => {
    const { out, status } = slipway('litellm', 'samples/spam/model.yaml')
    expect(status).toBe(1)
    expect(out).toMatch(/line \d+ model: ✘ not preserved/)
    expect(out).toContain('no file')
  })
})
