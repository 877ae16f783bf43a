import { globSync, readFileSync } from 'node:fs'
import t from 'tap'
import { blocksOf } from './pages/blocks.ts'
import { isExecutedByGate } from './pages/gate.ts'
import { executePage } from './pages/page.ts'

t.test('README.md', async t => {
  // Its last block runs the tests: `.ci/run` executes it.
  await executePage(t, 'README.md', { isExecutedBefore: isExecutedByGate })
})

/** Pages that this file and `test/long/docs/` execute: by folder, so that a new page is executed too. */
const EXECUTED = ['README.md', ...globSync(['docs/tutorials/*.md', 'docs/how-to/*.md', 'examples/**/*.md'])]

const OTHERS = globSync(['*.md', 'client/*.md', 'docs/**/*.md']).filter(page => !EXECUTED.includes(page))

t.test('a page that is not executed has no code blocks', async t => {
  t.ok(EXECUTED.length > 10 && OTHERS.length > 10)
  const code = OTHERS.flatMap(blocksOf).filter(({ at, language }) => {
    // Compiled and run by test/long/client/package.test.ts.
    const isCode = at.startsWith('client/README.md:') && language === 'ts'
    return !isCode && language !== 'text'
  })
  t.same(
    code.map(({ at, language }) => `${at} ${language}`),
    []
  )
})

t.test('no page has code between tildes or in HTML, or a comment', async t => {
  for (const page of [...EXECUTED, ...OTHERS]) {
    t.notMatch(readFileSync(page, 'utf8'), /^ *~~~|<pre|<!--(?! Generated )/m, page)
  }
})
