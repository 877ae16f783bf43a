import { writeFileSync } from 'node:fs'
import t from 'tap'
import type { NewToken } from '../../../schemas/tokens.ts'
import { STEPS_AT_ONCE } from '../../../src/domain/jobs/steps.ts'
import { createBrowser } from '../../support/harness/browser-caller.ts'
import { type Gateway, gateway } from '../../support/harness/gateway.ts'
import { ALL, BUCKET, createJob, jobAfter } from '../../support/harness/jobs.ts'
import { redisServer } from '../../support/harness/redis.ts'
import { replicas, temporaryFolder } from '../../support/harness/replicas.ts'
import { withServices } from '../../support/harness/services.ts'

const FILES = 60
const wanted: NewToken = { name: 'a partner', scopes: ['files:delete'], expiresInSeconds: 600 }

const make = async ({ post }: Pick<Gateway, 'post'>, body: object = {}, options = {}) => {
  const reply = await post('/tokens', { ...wanted, ...body }, options)
  return { token: String(reply.json().token), tokenId: String(reply.json().tokenId) }
}

/** A job that runs with this token while it ends. @returns the job, and what was sent after the end */
const during = async (g: Gateway, options: { token: string }, end: () => Promise<unknown>) => {
  const { control } = g.sandbox
  for (let n = 0; n < FILES; n += 1) control.putFile(BUCKET, `file-${n}`)
  control.fault({ kind: 'latency', action: 'delete_file', ms: 50 })
  const start = control.counters()['delete_file'] ?? 0
  const sent = () => (control.counters()['delete_file'] ?? 0) - start
  const { jobId } = await createJob(g, ALL, options)
  while (sent() < 10) await new Promise(setImmediate)
  await end()
  const before = sent()
  const job = await jobAfter(g, jobId)
  control.clearFaults()
  return { job, jobId, late: sent() - before }
}

const paused = { state: 'paused', problem: { name: 'invalid-token', status: 401, detail: /has ended/ } }

t.test('a job is paused when the token ends that it was made with, and goes on with another credential', async t => {
  const g = await gateway(t)
  const { get, post, del, sandbox } = g
  const { email, password } = sandbox.demo
  const ends: Record<string, () => Promise<[options: { token: string }, end: () => Promise<unknown>]>> = {
    'the token': async () => {
      const { token, tokenId } = await make(g)
      return [{ token }, () => del(`/tokens/${tokenId}`)]
    },
    'its parent': async () => {
      const parent = await make(g)
      return [await make(g, { expiresInSeconds: 60 }, parent), () => del(`/tokens/${parent.tokenId}`)]
    },
    'its session': async () => {
      const browser = createBrowser(g)
      await browser.logIn({ email, password })
      const { sessionId } = (await get('/sessions')).json().items[0]
      return [await make(browser), () => del(`/sessions/${sessionId}`)]
    }
  }
  for (const [what, prepare] of Object.entries(ends)) {
    const [options, end] = await prepare()
    const { job, jobId, late } = await during(g, options, end)
    t.match(job, paused, what)
    t.ok(late <= STEPS_AT_ONCE, `${what}: ${late} sent after its end`)
    t.equal((await post(`/jobs/${jobId}/resume`, undefined)).statusCode, 202)
    const { state, counts } = await jobAfter(g, jobId)
    t.strictSame([state, counts], ['succeeded', { found: FILES, deleted: FILES, missing: 0, failed: 0, remaining: 0 }])
  }
})

t.test('the events of a job end soon after the token, or the session, of who watches it', async t => {
  const g = await gateway(t)
  const { del, sandbox } = g
  sandbox.control.putFile(BUCKET, 'file')
  sandbox.control.fault({ kind: 'latency', action: 'delete_file', ms: 9000 })
  const browser = createBrowser(g)
  await browser.logIn({ email: sandbox.demo.email, password: sandbox.demo.password })
  const { token, tokenId } = await make(g)
  const { jobId } = await createJob(g, ALL)
  const events = `/jobs/${jobId}/events`
  const watched = [g.get(events, { token }), browser.get(events), g.get(events)]
  const ended: number[] = []
  for (const [place, stream] of watched.entries()) void stream.then(() => ended.push(place))
  await new Promise(resolve => setTimeout(resolve, 500))
  t.equal((await del(`/tokens/${tokenId}`)).statusCode, 204)
  t.equal((await browser.del('/session')).statusCode, 204)
  const [ofToken, ofSession, ofCustomer] = await Promise.all(watched)
  t.strictSame([...ended.slice(0, 2).sort(), ended[2]], [0, 1, 2], 'the others go on to the end')
  for (const reply of [ofToken, ofSession]) t.notMatch(reply?.text, /event: end/)
  t.match(ofCustomer?.text, /event: end/)
})

for (const kind of ['Redis', 'SQLite']) {
  t.test(`the end is seen by the replica that runs the job: ${kind}`, async t => {
    const env: Record<string, string> =
      kind === 'Redis'
        ? { REDIS_URL: (await redisServer(t)).url }
        : { SESSION_STORE: 'sqlite', DATA_DIR: temporaryFolder(t) }
    const { at } = await replicas(t, env)
    for (const index of [0, 1]) {
      const { token, tokenId } = await make(at(0))
      const { job, jobId, late } = await during(at(0), { token }, () => at(index).del(`/tokens/${tokenId}`))
      t.match(job, paused)
      t.ok(late <= STEPS_AT_ONCE, `${late} sent after the end`)
      t.equal((await at(0).del(`/jobs/${jobId}`)).statusCode, 202)
    }
  })
}

t.test('a job is paused when its service reaches less after a restart, and resumed within what is left', async t => {
  const env = { SESSION_STORE: 'sqlite', DATA_DIR: temporaryFolder(t), SESSION_SECRET: 's'.repeat(40) }
  const g = await withServices(t, { logs: { scopes: ['files:delete'], pathPrefix: 'a/' } }, env)
  const { control } = g.sandbox
  for (let n = 0; n < FILES; n += 1) control.putFile(BUCKET, `a/${n % 2 === 0 ? 'b/' : ''}${n}`)
  control.fault({ kind: 'latency', action: 'delete_file', ms: 50 })
  const { jobId } = await createJob(g, { prefix: 'a/', confirm: BUCKET }, g.as.logs)
  while ((control.counters()['delete_file'] ?? 0) < 10) await new Promise(setImmediate)
  await g.running.drain()
  control.clearCalls()
  control.clearFaults()
  const services = g.entries.map(entry => ({ ...entry, pathPrefix: 'a/b/' }))
  writeFileSync(g.servicesFile, JSON.stringify({ services }))
  const settings = { ...env, SERVICES_FILE: g.servicesFile, KEY_LOGS: g.sandbox.demo.apiKey }
  const restarted = await gateway(t, settings, { sandbox: g.sandbox })
  t.match(await jobAfter(restarted, jobId), { state: 'paused', problem: { name: 'invalid-token' } })
  t.notOk(control.calls().some(({ script }) => script === 's3.php'))
  t.equal((await restarted.post(`/jobs/${jobId}/resume`, undefined, g.as.logs)).statusCode, 202)
  const job = await jobAfter(restarted, jobId)
  t.match(job, { state: 'partly-failed', problem: { name: 'insufficient-scope' } })
  const sent = control.calls().filter(({ action }) => action === 'delete_file')
  t.ok(sent.length > 0)
  t.strictSame(
    sent.filter(({ fields }) => !fields['filename']?.startsWith('a/b/')),
    []
  )
})
