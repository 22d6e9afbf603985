import { expect, test } from 'vitest'
import { failure, failuresOf, told, type VitestReport } from './failures.ts'

const passed = { fullName: 'a room opens', status: 'passed', failureMessages: [] }
const report: VitestReport = {
  testResults: [
    { name: '/home/src/a.test.ts', status: 'passed', message: '', assertionResults: [passed] },
    {
      name: '/home/src/b.test.ts',
      status: 'failed',
      message: '',
      assertionResults: [
        passed,
        {
          fullName: 'a door closes softly',
          status: 'failed',
          failureMessages: [
            'AssertionError: expected \u001b[31m1\u001b[39m to be 2\n\n- 2\n+ 1\n    at /home/src/b.test.ts:3:9\nfourth',
          ],
        },
      ],
    },
    {
      name: '/home/src/c.test.ts',
      status: 'failed',
      message: "Cannot find module './d.ts'",
      assertionResults: [],
    },
  ],
}

test('a failed test is told by file, full name and the head of its message', () => {
  expect(failuresOf(report, '/home')).toEqual([
    [
      '✘ src/b.test.ts > a door closes softly',
      '    AssertionError: expected 1 to be 2',
      '    - 2',
      '    + 1',
    ],
    ['✘ src/c.test.ts does not load', "    Cannot find module './d.ts'"],
  ])
})

test('a line has an end', () => {
  expect(failure('x', 'y'.repeat(1000)).map((line) => line.length)).toEqual([3, 200])
})

test.each([
  ['all fits', 5, ['✘ one', '    a', '    b', '✘ two', '    c']],
  ['messages give way to names', 3, ['✘ one', '    a', '✘ two']],
  ['names only', 2, ['✘ one', '✘ two']],
  ['not even the names', 1, ['… and 2 more']],
])('in few lines: %s', (_, maxLines, expected) => {
  expect(told([failure('one', 'a\nb'), failure('two', 'c')], maxLines)).toEqual(expected)
})
