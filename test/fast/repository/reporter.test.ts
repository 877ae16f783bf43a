import { spawnSync } from 'node:child_process'
import t from 'tap'

const FAILING = `
  import t from 'tap'
  import { fails } from './helper.ts'
  t.test('helped', async t => {
    fails(t)
  })
  t.test('passes', async t => {
    t.ok(true)
  })
  t.test('outer', async t => {
    t.ok(true)
    await t.test('inner', async t => {
      t.equal(1, 2, 'one is two')
    })
  })
  t.test('throws', async () => {
    throw new Error('thrown')
  })
`
const PASSING = `
  import t from 'tap'
  t.comment('a comment')
  t.test('fine', async t => {
    t.ok(true, 'a check that passes')
  })
`

/** The lines that a test run prints. */
const run = (...args: string[]) => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { stdout, status } = spawnSync(process.execPath, ['scripts/test.ts', ...args], { encoding: 'utf8', env })
  return { lines: stdout.trimEnd().split('\n'), status }
}

t.test('a test run', async t => {
  const folder = t.testdir({
    'failing.test.ts': FAILING,
    'helper.ts': `export const fails = (t: { fail(why: string): void }) => t.fail('in a helper')`,
    'passing.test.ts': PASSING,
    'empty.test.ts': '',
    'ends-the-process.test.ts': `process.kill(process.pid, 'SIGKILL')`,
    'skipped.test.ts': `import t from 'tap'; t.test('later', { skip: 'no' }, async () => {})`
  })
  const file = (name: string) => `${folder.slice(process.cwd().length + 1)}/${name}.test.ts`

  t.test('shows a failure below its parent tests, without other tests', async t => {
    const { lines } = run(file('failing'))
    t.match(lines.slice(4, 8), ['  ▶ outer', '    ▶ inner', '      ✖ one is two', '    ✖ inner'])
  })

  t.test('ends with failed, skipped and missing tests, and their number', async t => {
    const { lines, status } = run(...['empty', 'failing', 'passing', 'skipped'].map(file), 'test/nowhere.test.ts')
    t.equal(status, 1)
    t.same(lines.slice(-7), [
      'failed: test/nowhere.test.ts: no such test file',
      `failed: ${file('empty')}: no test ran`,
      `failed: ${file('failing')} › helped › in a helper`,
      `failed: ${file('failing')} › outer › inner › one is two`,
      `failed: ${file('failing')} › throws › thrown`,
      `failed: ${file('skipped')} › later: skipped, or without an assertion`,
      '3 passed, 6 failed'
    ])
  })

  t.test('shows only the name of a passing file and what it prints', async t => {
    const { lines, status } = run(file('passing'))
    t.equal(status, 0)
    t.ok(lines.some(line => line.startsWith(`✔ ${file('passing')} (`)))
    t.ok(lines.some(line => line.includes('a comment')))
    t.notOk(lines.some(line => line.includes('a check that passes')))
    t.equal(lines.at(-1), '1 passed, 0 failed')
  })

  t.test('counts each file that a process leaves without a result', async t => {
    const { lines } = run(file('ends-the-process'), file('passing'))
    t.same(lines.slice(-3), [`failed: ${file('ends-the-process')}`, `failed: ${file('passing')}`, '0 passed, 2 failed'])
  })

  t.test('shows every assertion with --verbose', async t => {
    const { lines } = run('--verbose', file('passing'))
    t.ok(lines.some(line => line.includes('a check that passes')))
  })
})
