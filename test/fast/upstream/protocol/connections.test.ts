import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ConfigError, loadConfig } from '../../../../src/config/config.ts'
import { startSandbox } from '../../../../src/sandbox/index.ts'
import { fails } from '../../../support/assert/expect.ts'
import { type ConnectAnswer, connectProxy } from '../../../support/fakes/connect-proxy.ts'
import { tlsFront } from '../../../support/fakes/tls-front.ts'
import { authority } from '../../../support/harness/certificates.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { type Gateway, gateway } from '../../../support/harness/gateway.ts'
import { temporaryFolder } from '../../../support/harness/replicas.ts'

const FILE = '/accounts/s3_user_1/buckets/logs/files?path=access-00000.log.gz'
const NOT_SENT = { outcome: 'not-applied', retryable: true }

const metricsOf = async ({ managementUrl }: Gateway) => (await fetch(`${managementUrl}/metrics`)).text()

/** The causes in the request lines of the log. */
const causesIn = ({ lines }: Gateway) =>
  lines
    .map(line => JSON.parse(line))
    .filter(({ msg }) => msg === 'request')
    .map(({ cause }) => cause)

t.test('an outbound proxy', async t => {
  const ca = await authority(t)
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const front = await tlsFront(t, sandbox.url, await ca.sign())
  const behindProxy = async (t: Parameters<typeof gateway>[0], env: Record<string, string> = {}) => {
    const proxy = await connectProxy(t)
    const url = proxy.url.replace('//', '//clerk:pass%40word@')
    const g = await gateway(t, { UPSTREAM_URL: front.url, UPSTREAM_CA: ca.cert, HTTPS_PROXY: url, ...env }, { sandbox })
    return { proxy, g }
  }
  t.beforeEach(() => sandbox.control.reset())

  t.test('is asked for a tunnel with its credentials: one for the reads, others for the writes', async t => {
    const { proxy, g } = await behindProxy(t)
    t.equal((await g.get('/session')).statusCode, 200)
    const before = proxy.seen.length
    for (const path of ['/plans', '/accounts']) t.equal((await g.get(path)).statusCode, 200)
    t.equal(proxy.seen.length - before, 1)
    t.equal((await g.post('/accounts/s3_user_1/buckets', { name: 'tunnelled' })).statusCode, 201)
    t.equal((await g.del(FILE)).statusCode, 204)
    // A tunnel carries the next write while it has not been idle for long.
    t.match(proxy.seen.length - before, /^[23]$/)
    const authorization = `Basic ${Buffer.from('clerk:pass@word').toString('base64')}`
    for (const seen of proxy.seen) t.strictSame(seen, { target: `localhost:${front.port}`, authorization })
    t.notMatch(g.lines.join(), /clerk|pass%40word|pass@word|Y2xlcms6/)
  })

  t.test('is set in lower case too, which wins, and HTTP_PROXY is its default', async t => {
    for (const name of ['https_proxy', 'http_proxy', 'HTTP_PROXY']) {
      const proxy = await connectProxy(t)
      const HTTPS_PROXY = name === 'https_proxy' ? 'http://127.0.0.1:1' : ''
      const env = { UPSTREAM_URL: front.url, UPSTREAM_CA: ca.cert, HTTPS_PROXY, [name]: proxy.url }
      const g = await gateway(t, env, { sandbox })
      t.equal((await g.get('/plans')).statusCode, 200, name)
      t.ok(proxy.seen.length > 0, name)
    }
  })

  t.test('is not asked for a host of NO_PROXY, nor for a sandbox', async t => {
    for (const env of [{ NO_PROXY: 'example.com, localhost' }, { no_proxy: '*' }, { UPSTREAM_URL: sandbox.url }]) {
      const { proxy, g } = await behindProxy(t, env)
      t.equal((await g.get('/plans')).statusCode, 200, JSON.stringify(env))
      t.equal(proxy.seen.length, 0)
    }
  })

  const refusals: Record<string, { answer: ConnectAnswer; cause: string }> = {
    'refuses with 403': { answer: 403, cause: 'PROXY_403' },
    'wants other credentials': { answer: 407, cause: 'PROXY_407' },
    'cannot reach HOSTKEY': { answer: 502, cause: 'PROXY_502' },
    'resets the connection': { answer: socket => socket.resetAndDestroy(), cause: 'ECONNRESET' },
    'hangs up': { answer: socket => socket.end(), cause: 'UND_ERR_PRX_CONN' },
    'answers nothing': { answer: () => undefined, cause: 'UND_ERR_HEADERS_TIMEOUT' },
    'hangs up after its answer': { answer: socket => socket.end('HTTP/1.1 200 OK\r\n\r\n'), cause: 'ECONNRESET' }
  }
  for (const [name, { answer, cause }] of Object.entries(refusals)) {
    t.test(`502 upstream-unreachable, not applied and retryable, when it ${name}`, async t => {
      const { proxy, g } = await behindProxy(t)
      for (const path of ['/session', '/plans']) await g.get(path)
      proxy.answerNext(answer)
      g.lines.length = 0
      fails(t, await g.del(FILE), 502, 'upstream-unreachable', NOT_SENT)
      t.ok(await eventually(() => causesIn(g).length === 1))
      t.strictSame(causesIn(g), [cause])
      t.notOk(sandbox.control.counters()['delete_file'])
    })
  }
})

t.test('a front that wants a client certificate', async t => {
  const ca = await authority(t)
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const [client, foreign] = [await ca.sign({ host: 'gateway' }), await (await authority(t)).sign()]
  const folder = temporaryFolder(t)
  const file = (name: string, content: string) => {
    const path = join(folder, name)
    writeFileSync(path, content)
    return path
  }

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const mutual = { ...(await ca.sign()), ca: ca.cert, requestCert: true, rejectUnauthorized: true, maxVersion }
    const front = await tlsFront(t, sandbox.url, mutual)
    const env = { UPSTREAM_URL: front.url, UPSTREAM_CA_FILE: file('ca.pem', ca.cert) }

    t.test(`gets that of UPSTREAM_CERT_FILE and UPSTREAM_KEY_FILE (${maxVersion})`, async t => {
      const files = { UPSTREAM_CERT_FILE: file('cert', client.cert), UPSTREAM_KEY_FILE: file('key', client.key) }
      const g = await gateway(t, { ...env, ...files }, { sandbox })
      t.equal((await g.get('/plans')).statusCode, 200)
      t.equal((await g.post('/accounts/s3_user_1/buckets', { name: `mutual-${maxVersion.at(-1)}` })).statusCode, 201)
    })

    // In TLS 1.3 a server refuses a client without a certificate after the request was handed over.
    const refused =
      maxVersion === 'TLSv1.2' ? { none: undefined, 'a foreign one': foreign } : { 'a foreign one': foreign }
    for (const [name, pair] of Object.entries(refused)) {
      t.test(`502 upstream-unreachable, not applied, for ${name} (${maxVersion})`, async t => {
        const own: Record<string, string> = pair ? { UPSTREAM_CERT: pair.cert, UPSTREAM_KEY: pair.key } : {}
        const g = await gateway(t, { ...env, ...own }, { sandbox })
        fails(t, await g.get('/plans'), 502, 'upstream-unreachable')
        fails(t, await g.del(FILE), 502, 'upstream-unreachable', NOT_SENT)
        t.notOk(sandbox.control.counters()['delete_file'])
      })
    }
  }
})

t.test('the cause of a failed connection is in the log line of the request, and counted', async t => {
  const dead = await gateway(t, { UPSTREAM_URL: 'http://127.0.0.1:1/' })
  const nowhere = await gateway(t, { UPSTREAM_URL: 'https://nowhere.invalid/' })
  for (const [g, cause] of [
    [dead, /^ECONNREFUSED$/],
    [nowhere, /^(ENOTFOUND|EAI_AGAIN)$/]
  ] as const) {
    g.lines.length = 0
    await g.get('/plans')
    t.ok(await eventually(() => causesIn(g).length === 1))
    const [logged] = causesIn(g)
    t.match(logged, cause)
    t.match(
      await metricsOf(g),
      new RegExp(`^gateway_upstream_transport_failures_total\\{cause="${logged}",stage="not-sent"\\} [1-9]`, 'm')
    )
  }
})

t.test('settings of connections that cannot work are refused at start, by name', async t => {
  const ca = await authority(t)
  const [one, two] = [await ca.sign(), await ca.sign()]
  for (const [env, name] of [
    [{ HTTPS_PROXY: 'proxy:3128' }, 'HTTPS_PROXY'],
    [{ http_proxy: 'socks5://proxy' }, 'HTTP_PROXY'],
    [{ UPSTREAM_CA: 'no PEM' }, 'UPSTREAM_CA'],
    [{ UPSTREAM_CA: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }, 'UPSTREAM_CA'],
    [{ UPSTREAM_CA_FILE: '/nowhere' }, 'UPSTREAM_CA'],
    [{ UPSTREAM_CERT: one.cert }, 'UPSTREAM_KEY'],
    [{ UPSTREAM_KEY: one.key }, 'UPSTREAM_CERT'],
    [{ UPSTREAM_CERT: one.cert, UPSTREAM_KEY: two.key }, 'UPSTREAM_KEY']
  ] as const) {
    const error = (() => {
      try {
        loadConfig({ ...env })
      } catch (error) {
        return error
      }
      return undefined
    })()
    t.ok(error instanceof ConfigError && error.faults[0]?.name === name, `${name}: ${error}`)
  }
})
