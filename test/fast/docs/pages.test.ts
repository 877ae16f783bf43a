import { globSync, readFileSync } from 'node:fs'
import t from 'tap'
import { blocksOf } from './pages/blocks.ts'
import { isExecutedByGate } from './pages/gate.ts'
import { executePage } from './pages/page.ts'

t.test('README.md', async t => {
  // Its last block is these tests: the gate executes it, and must take it from there.
  await executePage(t, 'README.md', { isExecutedBefore: isExecutedByGate })
})

/** Pages that are executed from top to bottom, here and beside: a new one is, by its folder. */
const EXECUTED = ['README.md', ...globSync(['docs/tutorials/*.md', 'docs/how-to/*.md', 'examples/**/*.md'])]

const OTHERS = globSync(['*.md', 'client/*.md', 'docs/**/*.md']).filter(page => !EXECUTED.includes(page))

t.test('no page that nobody executes has a block to be executed', async t => {
  t.ok(EXECUTED.length > 10 && OTHERS.length > 10)
  const odd = OTHERS.flatMap(blocksOf).filter(({ at, language }) => {
    // Compiled and run by test/client/package.test.ts.
    const isCode = at.startsWith('client/README.md:') && language === 'ts'
    return !isCode && language !== 'text'
  })
  t.same(
    odd.map(({ at, language }) => `${at} ${language}`),
    []
  )
})

t.test('no page has code between tildes or tags, or hides something', async t => {
  for (const page of [...EXECUTED, ...OTHERS]) {
    t.notMatch(readFileSync(page, 'utf8'), /^ *~~~|<pre|<!--(?! Generated )/m, page)
  }
})
