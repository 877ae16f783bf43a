import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { awkwardPaths } from '../../../src/sandbox/fixture-files.ts'
import { blocksOf } from '../../fast/docs/pages/blocks.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { openJob } from '../../support/harness/jobs.ts'
import { redisServer } from '../../support/harness/redis.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'
import { stablePort } from '../../support/harness/stable-port.ts'
import { createCertificate, type ProxyName, readAsItComes, sendExactly, startProxy } from './proxies.ts'

const PAGE = 'docs/how-to/deploy-behind-a-proxy.md'
const BUCKETS = '/accounts/s3_user_1/buckets'
const FILES = `${BUCKETS}/holiday-pictures/files`

/** The paths of the sandbox, and paths that proxies decode, merge, cut or normalise. */
const PATHS = [...awkwardPaths, '%2F', '%252F', 'a%00b', 'a;b=c/d', 'a&b', '~', 'a/b/../../../c', './', 'ünï/cödé ✓']

/** Starts a gateway behind a proxy with the configuration of the page. */
const behind = async (
  t: Test,
  name: ProxyName,
  { env = {}, change = text => text }: { env?: Record<string, string>; change?: (config: string) => string } = {}
) => {
  const block = blocksOf(PAGE).find(({ language }) => language === name)
  if (!block?.file) throw new Error(`the page has no configuration of ${name}`)
  const folder = temporaryFolder(t)
  const [port, publicPort] = [String(await stablePort()), String(await stablePort())]
  await createCertificate(folder)
  const running = await gateway(t, {
    PORT: port,
    PUBLIC_URL: 'https://storage.example.com',
    TRUST_PROXY: '127.0.0.1',
    ...env
  })
  writeFileSync(join(folder, block.file), change(block.code).replaceAll('8080', port).replaceAll('8443', publicPort))
  const complaints = await startProxy(t, name, folder, block.file)
  const send = (method: string, path: string, headers: Record<string, string> = {}) =>
    sendExactly(publicPort, {
      method,
      path,
      headers: { authorization: `Bearer ${running.sandbox.demo.token}`, ...headers }
    })
  const isUp = () =>
    send('GET', '/readyz').then(
      ({ status }) => status === 200,
      () => false
    )
  if (!(await eventually(isUp))) throw new Error(`${name} does not serve: ${complaints()}`)
  const deletions = () => running.sandbox.control.calls().filter(({ action }) => action === 'delete_file')
  return { ...running, publicPort, send, filenameOfLast: () => deletions().at(-1)?.fields['filename'] }
}

for (const name of ['nginx', 'caddy', 'haproxy'] as const) {
  t.test(`the configuration of ${name}`, async t => {
    const { send, filenameOfLast, lines, asked } = await behind(t, name)

    /** The targets that did not delete exactly the requested file. */
    const findChanged = async (targets: (path: string) => string[]) => {
      const found: string[] = []
      for (const path of PATHS) {
        for (const target of targets(path)) {
          const { status } = await send('DELETE', `${FILES}${target}`)
          if (![204, 404].includes(status) || filenameOfLast() !== path) found.push(`${status} ${target.slice(0, 40)}`)
        }
      }
      return found
    }

    t.test('forwards every file path in the query unchanged', async t => {
      t.same(await findChanged(path => [`?path=${encodeURIComponent(path)}`]), [])
    })

    t.test('forwards every file path in the URL unchanged', async t => {
      const bySegment = (path: string) => path.split('/').map(encodeURIComponent).join('/')
      t.same(await findChanged(path => [`/${encodeURIComponent(path)}`, `/${bySegment(path)}`]), [])
    })

    t.test('forwards the address of its client, not a forged one', async t => {
      await send('GET', '/accounts', { 'x-forwarded-for': '203.0.113.9', 'x-request-id': 'forged-address' })
      const line = lines.find(line => line.includes('forged-address')) ?? '{}'
      t.equal(JSON.parse(line).ip, '127.0.0.1')
    })

    t.test('drops headers with an underscore in their name', async t => {
      const before = asked().length
      const { status } = await send('DELETE', '/accounts/s3_user_1', { confirm_delete: 's3_user_1' })
      t.ok([400, 428].includes(status), String(status))
      t.equal(asked().length, before, 'nothing was sent to HOSTKEY')
    })

    t.test('problem types have the public address', async t => {
      const { text } = await send('GET', '/accounts/s3_user_2')
      t.equal(JSON.parse(text).type, 'https://storage.example.com/problems/account-not-found')
    })

    t.test('forwards a list line by line', async t => {
      const { status, text } = await send('GET', FILES.replace(/files$/, 'file-stream'))
      t.equal(status, 200)
      t.match(text, /\{"end":\{"nextCursor":null,"complete":true\}\}\n$/)
    })
  })
}

/** nginx tries a replica that has failed once in 5 s; 60 requests take one or two. */
const MAX_LOST = 3
/** Proxies check each second and believe the second answer. */
const NOTICED_MS = 3000

for (const name of ['nginx', 'caddy', 'haproxy'] as const) {
  t.test(`${name} keeps serving tokens while Redis is down`, async t => {
    const redis = await redisServer(t)
    const { send } = await behind(t, name, { env: { REDIS_URL: redis.url, SESSION_SECRET: 'x'.repeat(40) } })
    await redis.kill()
    const refused: number[] = []
    for (const startedAt = performance.now(); performance.now() - startedAt < NOTICED_MS; ) {
      const { status } = await send('GET', BUCKETS)
      if (status !== 200) refused.push(status)
      await pause(20)
    }
    t.same(refused.slice(0, 5), [])
    const { status, text } = await send('GET', '/readyz')
    t.match(
      { status, text },
      { status: 503, text: '{"status":"unready"}' },
      'and the gateway itself says that it is not ready'
    )
  })

  t.test(`${name} forwards each event of a job when it comes, also with its own buffering`, async t => {
    const running = await behind(t, name, { change: config => config.replace(/^.*proxy_buffering.*\n/m, '') })
    const { jobId } = await openJob(running)
    const reading = readAsItComes(running.publicPort, `/jobs/${jobId}/events`, {
      authorization: `Bearer ${running.sandbox.demo.token}`
    })
    t.after(reading.close)
    t.ok(await eventually(() => /event: progress\ndata: .*"found":20.*\n\n/.test(reading.text)), reading.text)
    t.notOk(reading.isOver)
    t.notMatch(reading.text, /event: end/)
    t.equal((await running.del(`/jobs/${jobId}`)).statusCode, 202)
    t.ok(await eventually(() => reading.isOver), reading.text)
    t.match(reading.text, /event: end\ndata: .*"state":"cancelled".*\n\n$/)
  })
}

/** A second replica in the configuration of each proxy. */
const ADDED: Record<ProxyName, (config: string, port: number) => string> = {
  nginx: (config, port) => config.replace(/^( *server 127\.0\.0\.1:)8080(.*)$/m, `$&\n$1${port}$2`),
  caddy: (config, port) => config.replaceAll('127.0.0.1:8080', `$& 127.0.0.1:${port}`),
  haproxy: (config, port) => config.replace(/^( *server replica)1 127\.0\.0\.1:8080$/gm, `$&\n$12 127.0.0.1:${port}`)
}

for (const name of ['nginx', 'caddy', 'haproxy'] as const) {
  t.test(`${name} leaves out a replica that has died`, async t => {
    const dead = await stablePort()
    const { send } = await behind(t, name, { change: config => ADDED[name](config, dead) })
    const statuses: number[] = []
    for (let sent = 0; sent < 60; sent += 1) statuses.push((await send('GET', BUCKETS)).status)
    const failed = statuses.filter(status => status !== 200)
    t.ok(failed.length <= MAX_LOST, `${failed.length} of 60`)
  })
}
