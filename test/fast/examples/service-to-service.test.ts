import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gatewayProcess } from '../../support/harness/processes.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'
import { runExample } from './examples.ts'

const PROGRAM = 'examples/service-to-service/main.ts'

t.test('examples/service-to-service', async t => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const { control, demo } = sandbox
  control.setCredit('demo', 1_000_000)
  const folder = temporaryFolder(t)
  const servicesFile = join(folder, 'services.json')
  const write = (...services: object[]) => writeFileSync(servicesFile, JSON.stringify({ services }))
  write()

  // The steps of its README.
  const created = await runExample(process.execPath, ['scripts/service-new.ts', 'shop', '--scope', 'orders:write'], {})
  const secret = /^ {2}(hks_shop_\S+)$/m.exec(created.stdout)?.[1] ?? ''
  const entry = JSON.parse(/^\{\n[\s\S]*?^\}$/m.exec(created.stdout)?.[0] ?? '{}')
  const running = await gatewayProcess(t, {
    UPSTREAM_URL: sandbox.url,
    UPSTREAM_TIMEOUT_MS: '1000',
    ORDER_LATE_EXECUTION_WINDOW_MS: '6000',
    RATE_LIMIT_MAX: '1000000',
    SERVICES_FILE: servicesFile,
    HOSTKEY_API_KEY_SHOP: demo.apiKey
  })
  const reloads = () => running.log().filter(({ msg }) => /service registry reloaded/.test(String(msg))).length
  const reload = async () => {
    const before = reloads()
    running.child.kill('SIGHUP')
    t.ok(await eventually(() => reloads() > before), 'the registry is reloaded')
  }
  const envOf = (orderFile: string) => ({
    GATEWAY: running.url,
    SERVICE_SECRET: secret,
    ORDER_FILE: join(folder, orderFile)
  })
  const run = async (orderFile: string) => {
    const result = await runExample(process.execPath, [PROGRAM], envOf(orderFile))
    t.notMatch(result.stdout + result.stderr, secret, 'the secret is not printed')
    return result
  }
  const orders = () => control.counters()['create_order'] ?? 0

  t.test('is refused until the registry names it', async t => {
    t.match(await run('none.json'), { code: 1, stderr: /invalid-token/ })
    write(entry)
    await reload()
  })

  t.test('is refused without the scope, and orders once', async t => {
    const { code, stdout, stderr } = await run('order.json')
    t.equal(code, 0, stderr)
    t.match(stdout, /^Accounts: refused, .*accounts:read/m)
    t.match(stdout, /^Attempt 1: 201$/m)
    t.match(stdout, /^Ordered: s3_user_\d+$/m)
    t.equal(orders(), 1)
  })

  t.test('continues with the same order, and lists accounts when the scope is added', async t => {
    write({ ...entry, scopes: [...entry.scopes, 'accounts:read'] })
    await reload()
    const { s3uid } = JSON.parse(readFileSync(join(folder, 'order.json'), 'utf8'))
    const { code, stdout } = await run('order.json')
    t.equal(code, 0)
    t.match(stdout, new RegExp(`^Accounts: s3_user_1, ${s3uid}$`, 'm'))
    t.match(stdout, /^Attempt 1: 201 \(replayed\)$/m)
    t.match(stdout, new RegExp(`^Ordered: ${s3uid}$`, 'm'))
    t.equal(orders(), 1, 'still one order')
  })

  t.test('continues its order when it was killed and started again: HOSTKEY gets one order', async t => {
    control.clearCalls()
    // HOSTKEY executes the order after the gateway has timed out.
    control.fault({ kind: 'late-execution', action: 'create_order', ms: 4000, count: 1 })
    const killed = spawn(process.execPath, [PROGRAM], { env: envOf('lost.json'), stdio: 'ignore' })
    t.ok(await eventually(() => orders() === 1), 'HOSTKEY has the order')
    killed.kill('SIGKILL')
    await once(killed, 'close')
    const { code, stdout, stderr } = await run('lost.json')
    t.equal(code, 0, stderr)
    t.match(stdout, /^Attempt 1: (202|409 idempotency-in-progress)/m)
    t.match(stdout, /^Attempt [2-9]: 201/m)
    t.match(stdout, /^Ordered: s3_user_\d+$/m)
    t.equal(orders(), 1)
  })

  t.test('ends when the order is refused', async t => {
    control.setCredit('demo', 0)
    const { code, stdout, stderr } = await run('refused.json')
    t.equal(code, 1)
    t.match(stderr, /\(payment-required, request /)
    t.notMatch(stdout, /^Ordered/m)
  })
})
