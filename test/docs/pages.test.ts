import { globSync } from 'node:fs'
import t from 'tap'
import { blocksOf } from '../support/doc-blocks.ts'
import { executePage } from '../support/doc-page.ts'

// 100 s: two gateways and a sandbox, on a busy machine.
t.setTimeout(100_000)

t.test('README.md', async t => {
  await executePage(t, 'README.md', { start: false })
})

t.test('no page has a block without a language, or one that nobody executes and nobody excuses', async t => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'client/README.md', ...globSync('docs/**/*.md')]
  const blocks = pages.flatMap(blocksOf)
  t.ok(blocks.length > 60)
  t.same(
    blocks.filter(({ language }) => language === '').map(({ at }) => at),
    []
  )
  for (const { at, excluded } of blocks) if (excluded !== undefined) t.comment(`not executed: ${at}: ${excluded}`)
  t.ok(blocks.filter(({ excluded }) => excluded !== undefined).length <= 4, 'few are excused')
})
