import t from 'tap'
import { Agent, request } from 'undici'
import { actions } from '../../src/upstream/actions/index.ts'
import { tokenInfo } from '../../src/upstream/actions/sessions.ts'
import { gatewayProcess } from '../support/harness/processes.ts'
import { serving } from '../support/harness/serving.ts'

const REPLIES = 48
const REPLY_BYTES = 5.6 * 2 ** 20

/** About 24 probes are answered for each reply, and 2 where a reply is parsed in one piece. */
const MIN_PROBES = 5 * REPLIES

/** The longest wait was 16.7 s while all replies were parsed one after the other, and is 0.3 s on a busy machine. */
const MAX_WAIT_MS = 2000

const MAX_MIB = 700

t.test(`${REPLIES} replies of 5.6 MB do not keep /livez waiting`, async t => {
  const user = actions.get_users.example.s3_users[0]
  const count = Math.ceil(REPLY_BYTES / JSON.stringify(user).length)
  const body = JSON.stringify({ result: 'OK', s3_users: Array.from({ length: count }, (_, id) => ({ ...user, id })) })
  const upstream = await serving(t, async (incoming, response) => {
    let form = ''
    for await (const chunk of incoming) form += chunk
    response.end(form.includes('action=info') ? JSON.stringify({ result: 'OK', ...tokenInfo.example }) : body)
  })
  const { url, managementUrl, residentBytes } = await gatewayProcess(t, {
    UPSTREAM_URL: upstream,
    UPSTREAM_TIMEOUT_MS: '60000',
    RATE_LIMIT_MAX: '1000000',
    LOG_LEVEL: 'fatal'
  })
  const dispatcher = new Agent({ connections: REPLIES })
  t.after(() => dispatcher.close())
  let left = REPLIES
  const replies = Array.from({ length: REPLIES }, async (_, n) => {
    // Each by a caller of its own: one alone has half of the places.
    const headers = { authorization: `Bearer ${`${n}`.padStart(32, '0')}` }
    const reply = await request(`${url}/accounts${n % 3 ? '?limit=10' : ''}`, { headers, dispatcher })
    await reply.body.dump({ limit: 2 ** 30 })
    left -= 1
    return reply.statusCode
  })
  let longestMs = 0
  let peakBytes = 0
  let probes = 0
  while (left > 0) {
    const since = performance.now()
    await (await request(`${managementUrl}/livez`)).body.dump()
    longestMs = Math.max(longestMs, performance.now() - since)
    peakBytes = Math.max(peakBytes, residentBytes())
    probes += 1
  }
  t.strictSame(new Set(await Promise.all(replies)), new Set([200]))
  const peakMib = Math.round(peakBytes / 2 ** 20)
  t.comment(`${probes} probes, the longest ${longestMs.toFixed(0)} ms; ${peakMib} MiB resident at most`)
  t.ok(probes > MIN_PROBES, `${probes} probes`)
  t.ok(longestMs < MAX_WAIT_MS, `${longestMs.toFixed(0)} ms`)
  t.ok(peakMib < MAX_MIB, `${peakMib} MiB`)
})
