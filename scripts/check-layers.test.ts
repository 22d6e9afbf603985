import { expect, test } from 'vitest'
import { checkLayers } from './check-layers.ts'

const plan = {
  contracts: { owns: '', mayImport: [] },
  kernel: { owns: '', mayImport: ['contracts'] },
  store: { owns: '', mayImport: ['kernel'] },
}
const file = (path: string, text: string) => ({ path, text })
const house = [
  file('contracts/index.ts', ''),
  file('kernel/index.ts', ''),
  file('kernel/clock.ts', ''),
  file('store/index.ts', ''),
]

test.each([
  ['an arrow of the plan', file('kernel/a.ts', "import { x } from '../contracts/index.ts'"), []],
  [
    'an arrow that is not in the plan',
    file('kernel/a.ts', "import { x } from '../store/index.ts'"),
    ['kernel may not import store'],
  ],
  [
    'a type import counts too',
    file('kernel/a.ts', "import type { X } from '../store/index.ts'"),
    ['kernel may not import store'],
  ],
  [
    'a re-export counts too',
    file('kernel/a.ts', "export * from '../store/index.ts'"),
    ['kernel may not import store'],
  ],
  [
    'a dynamic import counts too',
    file('kernel/a.ts', "await import('../store/index.ts')"),
    ['kernel may not import store'],
  ],
  [
    'several lines',
    file('kernel/a.ts', "import {\n  x,\n  y,\n} from '../store/index.ts'"),
    ['kernel may not import store'],
  ],
  [
    'past the door',
    file('store/a.ts', "import { x } from '../kernel/clock.ts'"),
    ['climbs through a window'],
  ],
  [
    'a room that nobody planned',
    file('attic/a.ts', "import { x } from '../kernel/index.ts'"),
    ['attic is not in'],
  ],
  ['out of src', file('kernel/a.ts', "import { x } from '../../bench/load.ts'"), ['outside src/']],
  ['a test may knock anywhere', file('kernel/a.test.ts', "import { x } from '../store/index.ts'"), []],
  [
    'a test may not climb',
    file('store/a.test.ts', "import { x } from '../kernel/clock.ts'"),
    ['climbs through a window'],
  ],
])('%s', (_, added, expected) => {
  const complaints = checkLayers([...house, added], plan)
  expect(complaints).toHaveLength(expected.length)
  for (const [position, part] of expected.entries()) expect(complaints[position]).toContain(part)
})

test('a ring of files is found, of types too', () => {
  const ring = [
    file('kernel/a.ts', "import { b } from './b.ts'"),
    file('kernel/b.ts', "import type { C } from './c.ts'"),
    file('kernel/c.ts', "import { a } from './a.ts'"),
  ]
  expect(checkLayers(ring, plan)).toEqual([expect.stringMatching(/^cycle: /)])
})
