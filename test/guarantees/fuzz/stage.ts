import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { InjectOptions } from 'fastify'
import { demoJob, demoPausedJob } from '../../../schemas/examples/index.ts'
import { COOKIE } from '../../../src/auth/cookie.ts'
import { createServiceRegistry } from '../../../src/auth/services/registry.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { assembleGateway } from '../../../src/gateway.ts'
import { createLog } from '../../../src/observability/log.ts'
import { awkwardPaths } from '../../../src/sandbox/fixture-files.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { contractOf } from '../../support/assert/contract.ts'
import { CALM } from '../../support/harness/calm.ts'
import type { Document } from './document.ts'
import { callFaults, type FuzzReply, replyFaults } from './oracle.ts'
import type { Credential, FuzzRequest } from './requests.ts'
import type { Dictionary } from './values.ts'
import { createWiretap, fieldsIn, type Sent } from './wiretap.ts'

export type Stage = Awaited<ReturnType<typeof createStage>>

/** Limits that no request reaches: each window ends before its quota is used. */
const ENV = {
  PORT: '0',
  MANAGEMENT_PORT: '0',
  NODE_ENV: 'test',
  LOG_LEVEL: 'info',
  RATE_LIMIT_MAX: '1000000',
  RATE_LIMIT_WINDOW_MS: '1000',
  STORAGE_ENDPOINTS: 'NL=https://s3-nl.hostkey.com|nl,DE=https://s3-de.hostkey.com|de'
}

/** The only bucket of the narrow token. */
const BUCKET = 'holiday-pictures'

/** A gateway in front of the sandbox, with a client for any request and a judge for replies and calls. */
export const createStage = async () => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  const dataDir = mkdtempSync(join(tmpdir(), 'hks3-fuzz-'))
  const config = loadConfig({ ...ENV, DATA_DIR: dataDir, AUDIT_LOG: join(dataDir, 'audit.log') })
  // Log lines are written and discarded: a request that cannot be logged must fail.
  const log = createLog(config.logLevel, new Writable({ write: (_chunk, _encoding, done) => done() }))
  const { app, jobStore, close } = await assembleGateway({
    config,
    upstreamUrl: new URL(sandbox.url),
    registry: createServiceRegistry(undefined, {}),
    log,
    verifyDelaysMs: [0],
    pressure: CALM,
    isEphemeral: true
  })
  await app.ready()
  const document = (await app.inject('/openapi.json')).json<Document>()
  const wiretap = createWiretap(sandbox.url)
  const cookies: Record<string, string> = { forged: 'AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA' }
  const { demo, control } = sandbox
  const authorization = `Bearer ${demo.token}`
  /** Tokens that the gateway made, by the name of a credential. */
  const derived: Record<string, string> = {}
  /** Ids of what a reset makes; the lists are filled in place. */
  const ids = { tokenId: [''], sessionId: [''] }

  const inject = async ({ method, target, body }: FuzzRequest, headers: Record<string, string>): Promise<FuzzReply> => {
    const reply = await app.inject({
      method,
      url: target,
      headers,
      ...(body !== undefined && { payload: Buffer.from(body, 'latin1') })
    } satisfies InjectOptions)
    return { statusCode: reply.statusCode, headers: flat(reply.headers), text: reply.payload }
  }

  /** The headers of the request, with its credential. */
  const headersOf = ({ headers, as }: FuzzRequest) => ({ ...credentialHeaders(as), ...headers })

  const credentialHeaders = (as: Credential): Record<string, string> => {
    if (as === null) return {}
    if ('text' in as) return { authorization: as.text }
    if ('bearer' in as) return { authorization: `Bearer ${derived[as.bearer] ?? control.tokenOf(as.bearer)}` }
    return { cookie: `${COOKIE}=${cookies[as.cookie] ?? ''}`, 'x-csrf': '1' }
  }

  /** The paused job of the demo is paused again; those that requests have made end. None of them is worked on. */
  const resetJobs = async () => {
    for (const { jobId } of await jobStore.listOpen()) {
      if (jobId !== demoPausedJob.jobId) {
        await jobStore.change(jobId, ['queued'], { state: 'cancelled', endedAt: Date.now() })
      }
    }
    const paused = { state: 'paused', endedAt: undefined, isCancelled: undefined, remaining: undefined } as const
    await jobStore.change(demoPausedJob.jobId, ['queued', 'cancelled'], { ...paused, problem: demoPausedJob.problem })
  }

  /** Ends all tokens, and makes one that may do all that the demo may, and one for a bucket. */
  const resetTokens = async () => {
    const ask = (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object) =>
      app.inject({ method, url, headers: { authorization }, ...(payload && { payload }) })
    for (const { tokenId } of (await ask('GET', '/tokens')).json().items) await ask('DELETE', `/tokens/${tokenId}`)
    const { scopes } = (await ask('GET', '/session')).json()
    for (const [name, limits] of Object.entries({ wide: {}, narrow: { buckets: [`s3_user_1/${BUCKET}`] } })) {
      const made = (await ask('POST', '/tokens', { name, scopes, expiresInSeconds: 600, ...limits })).json()
      derived[name] = made.token
      ids.tokenId[0] = made.tokenId
    }
    ids.sessionId[0] = (await ask('GET', '/sessions')).json().items[0].sessionId
  }

  /** Resets the sandbox, the jobs, the session and the tokens. */
  const reset = async () => {
    control.reset()
    await resetJobs()
    const { headers } = await app.inject({
      method: 'POST',
      url: '/session',
      headers: { 'x-csrf': '1' },
      payload: { apiKey: demo.apiKey }
    })
    cookies['demo'] = /(?<=session=)[^;]+/.exec(String(headers['set-cookie']))?.[0] ?? ''
    await resetTokens()
    wiretap.take()
  }
  await reset()

  /** The number of an order whose answer was lost. */
  const lostOrder = async () => {
    control.fault({ kind: 'html-502', action: 'create_order', count: 1 })
    const reply = await app.inject({
      method: 'POST',
      url: '/orders',
      headers: { authorization, 'idempotency-key': 'an-order-that-was-lost' },
      payload: { planId: 2, bucketName: 'lost-order' }
    })
    control.clearFaults()
    return String(reply.headers.location).split('/').at(-1) ?? ''
  }
  const dictionary: Dictionary = {
    ...(await dictionaryOf(async url => (await app.inject({ url, headers: { authorization } })).json(), demo)),
    ...ids,
    orderId: [await lostOrder()],
    jobId: [demoJob.jobId, demoPausedJob.jobId, demoPausedJob.jobId],
    endedJobId: [demoJob.jobId]
  }
  await reset()

  const contract = contractOf(document)

  /** Sends one request, and judges the reply and the upstream calls. */
  const tryOut = async (request: FuzzRequest) => {
    // `inject` resolves `..` as a browser does; a socket sends it unchanged.
    const { pathname, search } = new URL(request.target, 'http://localhost')
    const target = `${pathname}${search}`
    const understood = target === request.target ? request : { ...request, meant: {} }
    const headers = headersOf(request)
    const reply = await inject(request, headers)
    const sent = wiretap.take()
    // A token of the gateway asks HOSTKEY with the token of its maker.
    const asMaker = (headers['authorization'] ?? '').replace(/hkt_\S+/, demo.token)
    const violations = [
      ...replyFaults(contract, `${request.method} ${target}`, reply),
      ...callFaults(understood, { ...headers, authorization: asMaker }, sent),
      ...(headers['authorization'] === `Bearer ${derived['narrow']}` ? straysIn(sent) : [])
    ]
    return { reply, sent, violations }
  }

  return {
    app,
    document,
    dictionary,
    sandbox,
    wiretap,
    contract,
    headersOf,
    reset,
    tryOut,
    async close() {
      wiretap.close()
      await close()
      await sandbox.close()
      rmSync(dataDir, { recursive: true, force: true })
    }
  }
}

/** The calls of the narrow token that name another bucket than its own. */
const straysIn = (sent: readonly Sent[]): string[] => {
  const names = sent.map(({ form }) => fieldsIn(form).get('bucket_name') ?? BUCKET)
  return names.filter(name => name !== BUCKET).map(name => `the narrow token reached ${JSON.stringify(name)}`)
}

const flat = (headers: Record<string, number | string | string[] | undefined>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value === undefined ? undefined : [value].flat().join(', ')])
  )

/** Names of existing resources: without them nearly every reply would be 404. */
const dictionaryOf = async (
  get: (url: string) => Promise<{ nextCursor: string }>,
  { apiKey, email, password, token }: { apiKey: string; email: string; password: string; token: string }
): Promise<Dictionary> => {
  const bucket = '/accounts/s3_user_1/buckets'
  const cursors = await Promise.all([
    get(`${bucket}/holiday-pictures/files?limit=10`),
    get(`${bucket}/logs/files?limit=100`),
    get(`${bucket}/holiday-pictures/files?limit=7&search=2021`)
  ])
  return {
    s3uid: ['s3_user_1', 's3_user_1', 's3_user_1', 's3_user_1', 's3_user_2', 's3_user_99'],
    bucket: ['holiday-pictures', 'holiday-pictures', 'logs', 'empty-bucket', 'no-such-bucket', 'other-bucket'],
    name: ['photos', 'new-bucket', 'logs', 'bucket-not-empty', 'internal'],
    path: [...awkwardPaths, 'picture-001.jpg', 'picture-002.jpg', '2021/winter/picture-001.jpg', 'access-00001.log.gz'],
    search: ['2021', 'picture', 'access', '%', '/'],
    limit: [1, 5, 100, 250],
    cursor: cursors.map(({ nextCursor }) => nextCursor),
    planId: [1, 2, 2, 3, 4, 99],
    location: ['NL', 'NL', 'DE', 'US'],
    monthlyEur: [4.9, 14.9],
    monthlyUsd: [5.4, 16.4],
    monthlyRub: [490, 1490],
    email: [email],
    customerId: [1002, 1005],
    apiKey: [apiKey],
    password: [password, 'wrong'],
    token: [token],
    accounts: [['s3_user_1']],
    buckets: [['s3_user_1/logs'], ['s3_user_1/holiday-pictures', 's3_user_1/logs']]
  }
}
