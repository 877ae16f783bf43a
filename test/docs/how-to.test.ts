import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import t from 'tap'
import { openBrowser } from '../support/chromium.ts'
import { needProgram } from '../support/debian.ts'
import { executePage, type Runner } from '../support/docs/page.ts'

// 110 s: one page loads a generator, and several start gateways.
t.setTimeout(110_000)

const needs: Record<string, () => Promise<unknown>> = {
  'run-several-replicas': () => needProgram(['redis-server', 'valkey-server'], 'redis-server'),
  'rotate-secrets': () => needProgram(['openssl'], 'openssl')
}

/** It loads a generator first: in a file of its own. */
const ELSEWHERE = { page: 'generate-a-client', test: 'test/docs/generated-client.test.ts' }

const names = globSync('docs/how-to/*.md').map(path => basename(path, '.md'))

t.test(`${ELSEWHERE.page} is executed by ${ELSEWHERE.test}`, async t => {
  t.match(readFileSync(ELSEWHERE.test, 'utf8'), `executePage(t, 'docs/how-to/${ELSEWHERE.page}.md')`)
})

for (const name of names.filter(name => name !== ELSEWHERE.page).sort()) {
  t.test(`docs/how-to/${name}.md`, async t => {
    await needs[name]?.()
    /** A script of a page of the gateway's own. */
    const js: Runner = async ({ code }, stage) => {
      const tab = await (await openBrowser(t, { width: 800 })).newPage()
      await tab.goto(`${stage.url}/docs`)
      const [email, password] = ['EMAIL', 'PASSWORD'].map(name => JSON.stringify(stage.lastPrinted(name)))
      const status = await tab.evaluate(`(async (email, password) => {
        ${code}
        return buckets.status
      })(${email}, ${password})`)
      t.equal(status, 200)
    }
    await executePage(t, `docs/how-to/${name}.md`, { runners: { js } })
  })
}
