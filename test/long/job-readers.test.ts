import { randomUUID } from 'node:crypto'
import { Agent, get, type IncomingMessage } from 'node:http'
import t from 'tap'
import { request } from 'undici'
import type { Job } from '../../schemas/jobs.ts'
import { startSandbox } from '../../src/sandbox/index.ts'
import { eventually } from '../support/harness/eventually.ts'
import { ALL, BUCKET, DELETIONS } from '../support/harness/jobs.ts'
import { gatewayProcess } from '../support/harness/processes.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'

const READERS = 1000
const AT_ONCE = 20
/** Of each reader: its socket, its request and its position. */
const MAX_BYTES = 100 * 1024

t.test('1,000 readers of one job get its events, in bounded memory', async t => {
  const { control, demo, url: upstream, close } = await startSandbox({ seed: randomUUID() })
  t.after(() => close())
  const { url, residentBytes } = await gatewayProcess(t, {
    UPSTREAM_URL: upstream,
    DATA_DIR: temporaryFolder(t),
    SESSION_SECRET: 'x'.repeat(40),
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    RATE_LIMIT_MAX: '1000000'
  })
  const headers = { authorization: `Bearer ${demo.token}` }
  const send = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) =>
    request(`${url}${path}`, {
      method,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) })
    })
  for (let n = 0; n < 20; n += 1) control.putFile(BUCKET, `file-${n}`)
  // The job waits: nothing ends the streams.
  control.fault({ kind: 'throttled', action: 'delete_file' })
  const { jobId } = (await (await send('POST', DELETIONS, ALL)).body.json()) as Job

  const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY })
  t.after(async () => agent.destroy())
  const texts: string[] = []
  const read = async (index: number) => {
    const reply = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${url}/jobs/${jobId}/events`, { agent, headers }, resolve).on('error', reject)
    })
    texts[index] = ''
    reply.on('data', chunk => {
      texts[index] += chunk
    })
    await eventually(() => texts[index]?.includes('event: progress') ?? false)
  }
  await read(0)
  const before = residentBytes()
  for (let from = 1; from < READERS; from += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, READERS - from) }, (_, index) => read(from + index)))
  }
  const each = (residentBytes() - before) / READERS
  t.equal(texts.filter(text => text.includes('event: progress')).length, READERS)
  t.ok(each < MAX_BYTES, `${Math.round(each / 1024)} KiB for each reader`)
  t.comment(`${Math.round(each / 1024)} KiB for each reader`)
  const refused = await send('GET', `/jobs/${jobId}/events`)
  t.equal(refused.statusCode, 429, 'half of the connections are for others')
  t.match(await refused.body.text(), /limit `streams`/)
  t.equal((await send('DELETE', `/jobs/${jobId}`)).statusCode, 202)
  const ended = () => texts.filter(text => text.includes('event: end')).length
  t.ok(await eventually(() => ended() === READERS, 20_000), `${ended()} have the end`)
})
