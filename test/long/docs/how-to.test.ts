import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import t from 'tap'
import { executePage } from '../../fast/docs/pages/page.ts'
import { needProgram } from '../../support/harness/debian.ts'

const needs: Record<string, () => Promise<unknown>> = {
  'run-several-replicas': () => needProgram(['redis-server', 'valkey-server'], 'redis-server'),
  'connect-a-front-end': () => needProgram(['openssl'], 'openssl'),
  deploy: () => needProgram(['openssl'], 'openssl'),
  'rotate-secrets': () => needProgram(['openssl'], 'openssl')
}

/** Pages with tests of their own: one downloads a generator, one opens a browser. */
const elsewhere: Record<string, string> = {
  'generate-a-client': 'test/long/docs/generated-client.test.ts',
  authenticate: 'test/long/docs/authenticate.test.ts'
}

const names = globSync('docs/how-to/*.md').map(path => basename(path, '.md'))

for (const [page, test] of Object.entries(elsewhere)) {
  t.test(`${page} is executed by ${test}`, async t => {
    t.ok(names.includes(page))
    t.match(readFileSync(test, 'utf8'), `executePage(t, 'docs/how-to/${page}.md'`)
  })
}

for (const name of names.filter(name => !(name in elsewhere)).sort()) {
  t.test(`docs/how-to/${name}.md`, async t => {
    await needs[name]?.()
    await executePage(t, `docs/how-to/${name}.md`)
  })
}
