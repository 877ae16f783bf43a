import { readFileSync } from 'node:fs'
import t from 'tap'
import { createBrowser } from '../../support/harness/browser-caller.ts'
import type { Reply } from '../../support/harness/gateway.ts'
import { redisServer } from '../../support/harness/redis.ts'
import { replicas } from '../../support/harness/replicas.ts'
import { tcpProxy } from '../../support/harness/tcp-proxy.ts'

const BUCKETS = '/accounts/s3_user_1/buckets'

type Ask = (method: string, path: string, body?: unknown) => Promise<Reply>

/** Not of a request: the health of the store, and this test. */
const OTHERS = new Set(['ping', 'info', 'hello', 'config|resetstat'])

t.test('the round trips and commands of a request are those of docs/reference/redis.md', async t => {
  const redis = await redisServer(t)
  const proxy = await tcpProxy(t, redis.port)
  const env = { REDIS_URL: `redis://127.0.0.1:${proxy.port}`, RATE_LIMIT_MAX: '100000' }
  const { at, browserAt, service } = await replicas(t, env, { count: 1 })
  const { send } = at(0)
  const cookie = (await browserAt(0)).cookie() ?? ''

  const measure = async (ask: () => Promise<Reply>): Promise<string> => {
    await redis.command('CONFIG', 'RESETSTAT')
    const before = proxy.roundTrips()
    const { statusCode, text } = await ask()
    const trips = proxy.roundTrips() - before
    t.ok(statusCode < 300, text)
    const info = String(await redis.command('INFO', 'commandstats'))
    const calls = [...info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
      .filter(([, name = '']) => !OTHERS.has(name))
      .map(([, name = '', count]) => `${count} ${name.toUpperCase()}`)
    return `${trips} | ${calls.sort().join(', ')}`
  }
  const wanted = {
    name: 'a job',
    scopes: ['buckets:read', 'buckets:write', 'files:delete', 'keys:read'],
    expiresInSeconds: 600
  }
  const { token: derived } = (await at(0).post('/tokens', wanted)).json()
  const callers: Record<string, Ask> = {
    token: (method, path, body) => send(method, path, { body }),
    service: (method, path, body) => send(method, path, { ...service, body }),
    session(method, path, body) {
      const { get, post, del } = createBrowser(at(0), cookie)
      return method === 'GET' ? get(path) : method === 'POST' ? post(path, body) : del(path)
    },
    derived: (method, path, body) => send(method, path, { token: derived, body })
  }
  const measured: string[] = []
  for (const [index, [name, ask]] of Object.entries(callers).entries()) {
    await ask('GET', BUCKETS)
    // Its first use has been noted in the background, once an hour.
    await ask('GET', '/tokens')
    const requests: Record<string, () => Promise<Reply>> = {
      'list buckets': () => ask('GET', BUCKETS),
      'create a bucket': () => ask('POST', BUCKETS, { name: `new-${name}` }),
      'delete a file': () => ask('DELETE', `${BUCKETS}/holiday-pictures/files/picture-00${index + 1}.jpg`),
      'read a key': () => ask('GET', '/accounts/s3_user_1/keys/access-key')
    }
    for (const [request, run] of Object.entries(requests)) {
      measured.push(`| ${request} | ${name} | ${await measure(run)} |`)
    }
  }
  const page = readFileSync('docs/reference/redis.md', 'utf8')
  t.strictSame(page.match(/^\| [a-z ]+ \| (token|service|session|derived) \| .*$/gm), measured)
})
