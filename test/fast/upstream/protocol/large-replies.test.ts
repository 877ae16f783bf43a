import { createServer } from 'node:http'
import t from 'tap'
import { type ActionName, actions } from '../../../../src/upstream/actions/index.ts'
import { tokenInfo } from '../../../../src/upstream/actions/sessions.ts'
import { fails } from '../../../support/assert/expect.ts'
import { sendSample } from '../../../support/harness/action-requests.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { gateway } from '../../../support/harness/gateway.ts'
import { listening, serving } from '../../../support/harness/serving.ts'

const MIB = 1024 * 1024

/** A HOSTKEY whose replies to one action have this body; each other reply is as documented. */
const upstreamWith = async (t: Parameters<typeof gateway>[0], action: ActionName, bodyOf: () => string) => {
  const server = createServer(async (request, response) => {
    let form = ''
    for await (const chunk of request) form += chunk
    const asked = new URLSearchParams(form).get('action') ?? ''
    const { example } = asked === 'info' ? tokenInfo : actions[asked as ActionName]
    response.end(asked === action ? bodyOf() : JSON.stringify({ result: 'OK', ...example }))
  })
  const port = await listening(server)
  t.after(async () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${port}/`
}

const padded = (action: ActionName, bytes: number) =>
  JSON.stringify({ result: 'OK', ...actions[action].example, next_token: null }).padEnd(bytes, ' ')

t.test('a reply has 1 MiB at most, that to get_users 8 MiB', async t => {
  for (const [action, maxBytes] of [
    ['list_plans', MIB],
    ['get_files', MIB],
    ['get_buckets_rmq', MIB],
    ['get_users', 8 * MIB]
  ] as const) {
    let bytes = maxBytes
    const g = await gateway(t, { UPSTREAM_URL: await upstreamWith(t, action, () => padded(action, bytes)) })
    t.equal((await sendSample(g, action)).statusCode, 200, `${action}: ${maxBytes} bytes`)
    bytes += 1
    // Plans are cached for a caller.
    const [token] = ['f'.repeat(32)]
    fails(t, await sendSample(g, action, { token }), 502, 'upstream-bad-response')
  }
})

t.test('large replies are read one by one: probes are answered between them, and none is lost', async t => {
  const COUNT = 12
  const user = actions.get_users.example.s3_users[0]
  const users = Array.from({ length: 4000 }, (_, n) => ({ ...user, id: n + 1 }))
  const body = JSON.stringify({ result: 'OK', s3_users: users })
  const env = { UPSTREAM_URL: await upstreamWith(t, 'get_users', () => body), UPSTREAM_TIMEOUT_MS: '60000' }
  const g = await gateway(t, env)
  const tokens = Array.from({ length: COUNT }, (_, index) => `${index}`.padStart(32, '0'))
  for (const token of tokens) await g.get('/session', { token })
  let answered = 0
  let probes = 0
  const replies = tokens.map(async token => {
    const reply = await g.get('/accounts', { token })
    answered += 1
    return [reply.statusCode, reply.json().items.length]
  })
  while (answered < COUNT) {
    await (await fetch(`${g.managementUrl}/livez`)).text()
    if (answered > 0) probes += 1
  }
  for (const reply of await Promise.all(replies)) t.strictSame(reply, [200, users.length])
  const { etag = '' } = (await g.get('/accounts', { token: tokens[0] ?? null })).headers
  const again = { token: tokens[0] ?? null, headers: { 'if-none-match': etag } }
  t.equal((await g.get('/accounts', again)).statusCode, 304)
  t.ok(probes >= COUNT - 1, `${probes} probes were answered between the replies`)
})

t.test('large replies that never end take no place from those of another caller', async t => {
  const [slow, other] = ['a'.repeat(32), 'b'.repeat(32)]
  const start = `{"result":"OK","s3_users":[],"more":"${'x'.repeat(300_000)}`
  let hanging = 0
  const url = await serving(t, async (request, response) => {
    let form = ''
    for await (const chunk of request) form += chunk
    if (!form.includes('get_users')) response.end(JSON.stringify({ result: 'OK', ...tokenInfo.example }))
    else if (form.includes(other)) response.end(`${start}"}`)
    else {
      hanging += 1
      response.write(start)
    }
  })
  const g = await gateway(t, { UPSTREAM_URL: url, UPSTREAM_TIMEOUT_MS: '1500' })
  const replies = Array.from({ length: 8 }, (_, n) => g.get(`/accounts?limit=${n + 1}`, { token: slow }))
  t.ok(await eventually(() => hanging >= 6))
  t.equal((await g.get('/accounts', { token: other })).statusCode, 200)
  for (const { statusCode } of await Promise.all(replies)) t.ok([503, 504].includes(statusCode), `${statusCode}`)
})
