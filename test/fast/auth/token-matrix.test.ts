import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { scopes } from '../../../schemas/scopes.ts'
import { committedDocument, type Operation, operationsOf, requestOf } from '../../support/assert/document.ts'
import { createBrowser } from '../../support/harness/browser-caller.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { createJob, jobAfter } from '../../support/harness/jobs.ts'
import { redisServer } from '../../support/harness/redis.ts'
import { replicas, temporaryFolder } from '../../support/harness/replicas.ts'

/** They reach no storage, or leave out what the caller may not know. */
const UNLIMITED = [
  'getSession',
  'createToken',
  'listTokens',
  'deleteToken',
  'listBuckets',
  'getConnection',
  'listPlans',
  'getPlan',
  'listPlanHistory'
]

/** A limited caller has its own jobs: those of others do not exist for it. */
const OF_JOBS = ['getJob', 'cancelJob', 'resumeJob', 'listJobResults', 'streamJobResults', 'streamJobEvents']

const operations = operationsOf(committedDocument()).filter(({ security }) => security.length > 0)
const all = scopes.filter(scope => scope !== 'admin')
const wanted = { name: 'a cell', scopes: all, expiresInSeconds: 3600 }

const ofJobs = operations.filter(({ operationId }) => OF_JOBS.includes(operationId))
const limited = operations.filter(({ operationId }) => ![...UNLIMITED, ...OF_JOBS, 'listJobs'].includes(operationId))

t.test('every operation × every caveat', async t => {
  const folder = temporaryFolder(t)
  const running = await gateway(t, { SESSION_STORE: 'sqlite', DATA_DIR: folder, SESSION_SECRET: 's'.repeat(40) })
  const { control, demo } = running.sandbox
  const database = new DatabaseSync(join(folder, 'store.sqlite'))
  t.after(() => database.close())
  const make = async (body: object, { post }: Pick<ReturnType<typeof createBrowser>, 'post'> = running) => {
    const { token, tokenId } = (await post('/tokens', { ...wanted, ...body })).json()
    return { token: String(token), tokenId: String(tokenId) }
  }
  const { jobId } = await createJob(running, { paths: ['no-such-file'] })
  await jobAfter(running, jobId)
  let cells = 0
  const refuses = async (caveat: string, token: string, names: RegExp, concerned: readonly Operation[]) => {
    control.clearCalls()
    for (const operation of concerned) {
      const { path, headers, body } = requestOf(operation)
      const target = path.replace(/(?<=^\/jobs\/)[^/]+/, jobId)
      const reply = await running.send(operation.method, target, {
        token,
        headers,
        ...(body !== undefined && { body })
      })
      t.match(reply.text, names, `${caveat}: ${operation.operationId} is ${reply.statusCode}`)
      cells += 1
    }
    t.strictSame(control.calls(), [], `${caveat}: nothing is asked of HOSTKEY`)
  }

  for (const scope of all) {
    const needs = operations.filter(operation => operation['x-required-scope'].split(' or ').includes(scope))
    const others = all.filter(other => !needs.some(operation => operation['x-required-scope'].includes(other)))
    const { token } = await make({ scopes: others.filter(other => other !== scope) })
    await refuses(`scope ${scope}`, token, /insufficient-scope/, needs)
  }
  const ofAccount = operations.filter(({ path }) => path.includes('{s3uid}'))
  await refuses('account', (await make({ accounts: ['s3_user_9'] })).token, /account-not-found/, ofAccount)
  const ofBucket = await make({ buckets: ['s3_user_1/x'] })
  const ofPrefix = await make({ pathPrefix: 'zz/' })
  await refuses('bucket', ofBucket.token, /insufficient-scope/, limited)
  await refuses('prefix', ofPrefix.token, /insufficient-scope|invalid-request/, limited)
  for (const { token } of [ofBucket, ofPrefix]) {
    await refuses('a job of its maker', token, /job-not-found/, ofJobs)
    t.strictSame((await running.get('/jobs', { token })).json(), { items: [], nextCursor: null })
  }

  const expired = await make({})
  database.exec("UPDATE entries SET expires_at = 1 WHERE key LIKE 'token:%'")
  await refuses('lifetime', expired.token, /invalid-token/, operations)
  const parent = await make({})
  const child = (await running.post('/tokens', { ...wanted, expiresInSeconds: 60 }, parent)).json()
  t.equal((await running.get('/plans', child)).statusCode, 200)
  await running.del(`/tokens/${parent.tokenId}`)
  await refuses('parent ended', child.token, /invalid-token/, operations)
  const browser = createBrowser(running)
  await browser.logIn({ email: demo.email, password: demo.password })
  const ofSession = await make({}, browser)
  t.equal((await running.get('/plans', ofSession)).statusCode, 200)
  database.exec("DELETE FROM entries WHERE key LIKE 'session:%'")
  await refuses('maker ended', ofSession.token, /invalid-token/, operations)
  t.comment(`${cells} cells of ${operations.length} operations`)
  t.ok(cells >= operations.length * 5)
})

for (const kind of ['Redis', 'SQLite']) {
  t.test(`the end of a token is seen by the other replica with the next request: ${kind}`, async t => {
    const env: Record<string, string> =
      kind === 'Redis'
        ? { REDIS_URL: (await redisServer(t)).url }
        : { SESSION_STORE: 'sqlite', DATA_DIR: temporaryFolder(t) }
    const { at } = await replicas(t, env)
    const counts: Record<number, number> = {}
    for (let round = 0; round < 20; round += 1) {
      const [here, there] = [at(round % 2), at((round + 1) % 2)]
      const parent = (await here.post('/tokens', wanted)).json()
      const options = { token: parent.token }
      const child = (await there.post('/tokens', { ...wanted, expiresInSeconds: 60 }, options)).json()
      const url = '/accounts/s3_user_1/buckets'
      // Requests in flight, and tokens made meanwhile, do not bring it back.
      const racing = [there.get(url, child), there.post('/tokens', { ...wanted, expiresInSeconds: 60 }, options)]
      const [ended, , made] = await Promise.all([here.del(`/tokens/${parent.tokenId}`), ...racing])
      t.equal(ended.statusCode, 204)
      const late = made?.statusCode === 201 ? [made.json()] : []
      for (const each of [parent, child, ...late]) {
        for (const replica of [there, here]) {
          const { statusCode } = await replica.get(url, { token: each.token })
          counts[statusCode] = (counts[statusCode] ?? 0) + 1
        }
      }
    }
    t.strictSame(Object.keys(counts), ['401'], JSON.stringify(counts))
  })
}
