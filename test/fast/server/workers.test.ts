import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../../support/harness/eventually.ts'
import { gatewayProcess, launch } from '../../support/harness/processes.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'
import { serving } from '../../support/harness/serving.ts'

/** The workers of a supervisor: its child processes. */
const childrenOf = (pid = 0) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

const statusOf = async (url: string) => (await fetch(url).catch(() => undefined))?.status

t.test('two workers on one port', async t => {
  const folder = temporaryFolder(t)
  const { url, managementUrl, child, log, printed, ended } = await gatewayProcess(t, {
    WORKERS: '2',
    AUDIT_LOG: join(folder, 'audit.log'),
    RATE_LIMIT_MAX: '20'
  })
  const token = /demo token +(\S+)/.exec(printed.out)?.[1]
  /** A connection of its own, so that the workers take turns. */
  const get = (path: string) =>
    fetch(url + path, { headers: { authorization: `Bearer ${token}`, connection: 'close' } })
  t.ok(await eventually(() => readdirSync(folder).length === 2))

  t.test('count against one limit', async t => {
    const replies: Response[] = []
    // One after the other: a worker that has just started on a busy machine would refuse some of many as overloaded.
    while (replies.length < 30) replies.push(await get('/plans'))
    const served = replies.filter(({ status }) => status === 200).length
    // Apart each would serve 15. On a busy machine SQLite may be too late for a few, which a worker then counts alone.
    t.ok(served >= 20 && served <= 25, `${served} served`)
    t.equal(replies.filter(({ status }) => status === 429).length, 30 - served)
  })

  t.test('log the page /docs in, and reset the sandbox that they share', async t => {
    const headers = { 'x-csrf': '1', connection: 'close' }
    const press = (action: string) => fetch(`${url}/docs/sandbox/${action}`, { method: 'POST', headers })
    t.match(await (await press('demo')).json(), { token })
    t.equal((await press('reset')).status, 200)
    t.match(await (await fetch(`${url}/docs/static/theme/page.js`)).text(), /Log in with the demo key/)
  })

  t.test('have their metrics and probes on one management port', async t => {
    const text = await (await fetch(`${managementUrl}/metrics`)).text()
    const counts = [...text.matchAll(/^gateway_request_duration_seconds_count\{operation="listPlans".*\} (\d+)$/gm)]
    t.equal(
      counts.reduce((sum, [, count]) => sum + Number(count), 0),
      30
    )
    t.same([await statusOf(`${managementUrl}/livez`), await statusOf(`${managementUrl}/readyz`)], [200, 200])
  })

  t.test('are replaced when they end', async t => {
    const [first = 0, ...others] = childrenOf(child.pid)
    t.equal(others.length, 1)
    process.kill(first, 'SIGKILL')
    t.ok(await eventually(() => log().some(({ msg }) => msg === 'a worker has ended and is replaced')))
    t.equal(await statusOf(`${url}/livez`), 200, 'the other one serves')
    t.ok(await eventually(() => childrenOf(child.pid).length === 2, 20_000))
  })

  t.test('drain when the supervisor gets SIGTERM', async t => {
    const workers = childrenOf(child.pid)
    child.kill('SIGTERM')
    const { code, out, err } = await ended
    t.strictSame({ code, err }, { code: 0, err: '' })
    t.equal(out.match(/"msg":"stopped"/g)?.length, 3, 'two workers, and the supervisor last')
    for (const pid of workers) t.throws(() => process.kill(pid, 0))
  })
})

t.test('a worker that cannot start ends the supervisor with its reason, once', async t => {
  const { port } = new URL(await serving(t, () => undefined))
  const { code, err } = await launch(t, 'src/server.ts', { WORKERS: '2', PORT: port }).ended
  t.equal(code, 1)
  t.equal(err.match(/another program listens there/g)?.length, 1)
})

t.test('what cannot be shared is refused', async t => {
  const { code, err } = await launch(t, 'src/server.ts', { WORKERS: '2', SESSION_STORE: 'memory' }).ended
  t.equal(code, 1)
  t.match(err, /SESSION_STORE must be sqlite or redis with more than one of WORKERS/)
})
