import { globSync } from 'node:fs'
import { basename } from 'node:path'
import t from 'tap'
import { openBrowser } from '../support/chromium.ts'
import { needProgram } from '../support/debian.ts'
import { executePage, type Runner } from '../support/doc-page.ts'

// 110 s: one page loads a generator, and several start gateways.
t.setTimeout(110_000)

const needs: Record<string, () => Promise<unknown>> = {
  'run-several-replicas': () => needProgram(['redis-server', 'valkey-server'], 'redis-server'),
  'rotate-secrets': () => needProgram(['openssl'], 'openssl')
}

/** Pages whose first commands start what the others need. */
const STARTS_ITSELF = ['authenticate', 'deploy-behind-a-proxy', 'run-several-replicas', 'rotate-secrets']

/** Made by a generator that is loaded first: in a file of its own. */
const ELSEWHERE = ['generate-a-client']

const names = globSync('docs/how-to/*.md').map(path => basename(path, '.md'))

for (const name of names.filter(name => !ELSEWHERE.includes(name)).sort()) {
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
    await executePage(t, `docs/how-to/${name}.md`, { start: !STARTS_ITSELF.includes(name), runners: { js } })
  })
}
