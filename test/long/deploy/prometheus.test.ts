import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { request } from 'undici'
import { parse } from 'yaml'
import { needProgram } from '../../support/harness/debian.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'
import type { Lifetime } from '../../support/harness/lifetime.ts'
import { stablePort } from '../../support/harness/stable-port.ts'

const run = promisify(execFile)

interface Rules {
  groups: { rules: { alert: string; expr: string; annotations: { summary: string; runbook: string } }[] }[]
}

interface Dashboard {
  panels: { title: string; targets: { expr: string }[] }[]
}

const rules = (parse(readFileSync('deploy/alerts.yml', 'utf8')) as Rules).groups.flatMap(group => group.rules)
const { panels } = JSON.parse(readFileSync('deploy/grafana/hostkey-s3-gateway.json', 'utf8')) as Dashboard

/** Panels that are empty while all is well: no failure of this kind happened in the test. */
const EMPTY = ['stage', 'retries', 'store_faults', 'drift']

/** Prometheus that scrapes these targets every second. @returns asks it one query */
const prometheus = async (t: Lifetime, targets: readonly string[]) => {
  const program = await needProgram(['prometheus'], 'prometheus')
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'))
  const config = join(folder, 'prometheus.yml')
  const rulesFile = join(process.cwd(), 'deploy/alerts.yml')
  writeFileSync(
    config,
    `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [${JSON.stringify(rulesFile)}]
scrape_configs:
  - job_name: hostkey-s3-gateway
    static_configs: [{ targets: ${JSON.stringify(targets)} }]
`
  )
  const url = `127.0.0.1:${await stablePort()}`
  const args = [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${url}`]
  const child = spawn(program, args, { stdio: 'ignore' })
  const ended = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true })
  })
  return async (query: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> => {
    const answer = await request(`http://${url}/api/v1/query?${new URLSearchParams({ query })}`)
    const { status, error, data } = (await answer.body.json()) as {
      status: string
      error?: string
      data: { result: { metric: Record<string, string>; value: [number, string] }[] }
    }
    if (status !== 'success') throw new Error(`${error}: ${query}`)
    return data.result
  }
}

t.test('the alert rules are valid, fire on their sign and on nothing before it', async t => {
  const promtool = await needProgram(['promtool'], 'prometheus')
  const { stdout } = await run(promtool, ['check', 'rules', 'deploy/alerts.yml'])
  t.match(stdout, `SUCCESS: ${rules.length} rules found`)
  const tested = await run(promtool, ['test', 'rules', 'deploy/alerts.test.yml'])
  t.match(tested.stdout, /SUCCESS/)
  const text = readFileSync('deploy/alerts.test.yml', 'utf8')
  for (const { alert } of rules)
    t.ok(text.includes(`alertname=\\"${alert}\\"`) || text.includes(`alertname="${alert}"`), alert)
})

t.test('every alert has its page', async t => {
  for (const { alert, annotations } of rules) {
    t.ok(existsSync(annotations.runbook), annotations.runbook)
    t.match(readFileSync(annotations.runbook, 'utf8'), new RegExp(`^# ${alert}\\n[^]*What to do`))
  }
})

t.test('Prometheus reads the metrics, and every query of the dashboard has an answer', async t => {
  const { managementUrl, sandbox, get, post, del } = await gateway(t, {
    SESSION_STORE: 'sqlite',
    SESSION_SECRET: 'a-secret-of-the-servers-too-long-to-guess'
  })
  const load = async () => {
    sandbox.control.fault({ kind: 'refusal', action: 'get_buckets', text: 'An unknown refusal' })
    await Promise.all([
      get('/plans'),
      get('/plans'),
      get('/accounts/s3_user_1/buckets'),
      get('/accounts/s3_user_1/usage')
    ])
    await post('/session', { token: sandbox.demo.token }, { token: null, headers: { 'x-csrf': '1' } })
    await del('/accounts/s3_user_1/buckets/no-such-bucket')
  }
  await load()
  const query = await prometheus(t, [new URL(managementUrl).host])
  // A rate needs two scrapes with requests between them.
  const isScraped = () => query('count_over_time(gateway_build_info[1m]) > 2').then(found => found.length > 0)
  t.ok(
    await eventually(async () => {
      await load()
      return isScraped().catch(() => false)
    }, 20_000),
    'scraped'
  )

  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const asked = expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*')
      const found = await query(asked)
      if (!EMPTY.some(word => expr.includes(word))) t.ok(found.length > 0, `${title}: ${asked}`)
    }
  }
  t.same(
    (await query('count by (__name__) ({__name__=~"gateway_.*"})')).filter(({ metric }) => !metric['__name__']),
    []
  )
  const names = new Set((await query('group by (__name__) ({__name__!=""})')).map(({ metric }) => metric['__name__']))
  const used = [...rules.map(({ expr }) => expr), ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))]
    .flatMap(expr => expr.match(/\b(gateway|nodejs|process)_\w+/g) ?? [])
    // Without a service in the registry, and without a fault, these have no series.
    .filter(name => !/service_credential/.test(name))
  t.same(
    [...new Set(used)].filter(name => !names.has(name)),
    [],
    'every metric of the rules and of the dashboard exists'
  )

  const metrics = await (await request(`${managementUrl}/metrics`)).body.text()
  const promtool = await needProgram(['promtool'], 'prometheus')
  const child = run(promtool, ['check', 'metrics'])
  child.child.stdin?.end(metrics)
  const { stderr } = await child.catch((error: { stderr: string }) => error)
  t.equal(stderr, '')
})
