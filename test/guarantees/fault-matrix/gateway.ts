import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { request } from 'undici'
import { createServiceRegistry } from '../../../src/auth/services/registry.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { startGateway } from '../../../src/gateway.ts'
import { createLog } from '../../../src/observability/log.ts'
import type { ActionName } from '../../../src/upstream/actions/index.ts'
import { tokenInfo } from '../../../src/upstream/actions/sessions.ts'
import { startFaultUpstream } from './upstream.ts'
import { made, there } from './world.ts'

/** One request of ours that leads to one action. */
interface Ask {
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  body?: object
  headers?: Record<string, string>
}

const account = `/accounts/${there.s3uid}`
const bucket = `${account}/buckets/${there.bucket}`
const order = (planId: number) => ({ planId, bucketName: made.bucket, location: 'NL' })

/** The operation by which each action is asked for. */
export const asks: Readonly<Record<ActionName, Ask>> = {
  list_plans: { method: 'GET', path: '/plans' },
  history: { method: 'GET', path: '/plans/1/history' },
  get_users: { method: 'GET', path: '/accounts' },
  get_buckets: { method: 'GET', path: `${account}/buckets` },
  get_files: { method: 'GET', path: `${bucket}/files` },
  get_buckets_rmq: { method: 'GET', path: `${account}/usage` },
  show_key: { method: 'GET', path: `${account}/keys/secret-key` },
  create_bucket: { method: 'POST', path: `${account}/buckets`, body: { name: made.bucket } },
  delete_bucket: { method: 'DELETE', path: bucket },
  delete_file: { method: 'DELETE', path: `${bucket}/files?path=${encodeURIComponent(there.path)}` },
  create_account: { method: 'POST', path: '/accounts', body: order(made.freePlan) },
  create_order: {
    method: 'POST',
    path: '/orders',
    body: order(made.paidPlan),
    headers: { 'idempotency-key': randomUUID() }
  },
  delete_account: { method: 'DELETE', path: account, headers: { 'confirm-delete': there.s3uid } }
}

export interface TimedReply {
  statusCode: number
  headers: Record<string, string | undefined>
  text: string
  ms: number
}

export type MatrixGateway = Awaited<ReturnType<typeof matrixGateway>>

/** So many reads share the open connections of a cell: of those that a write is preceded by, none opens its own. */
const OPEN_CONNECTIONS = 3

/** The real gateway before a fault upstream, over sockets. */
export const matrixGateway = async (timeoutMs: number) => {
  const upstream = await startFaultUpstream()
  const dataDir = mkdtempSync(join(tmpdir(), 'hks3-matrix-'))
  const log: string[] = []
  const env = {
    ...{ PORT: '0', MANAGEMENT_PORT: '0', RATE_LIMIT_MAX: '1000000', LOG_LEVEL: 'trace', NODE_ENV: 'test' },
    DATA_DIR: dataDir,
    AUDIT_LOG: join(dataDir, 'audit.log'),
    UPSTREAM_TIMEOUT_MS: String(timeoutMs)
  }
  const config = loadConfig(env)
  const destination = new Writable({
    write(chunk, _encoding, done) {
      log.push(String(chunk))
      done()
    }
  })
  const running = await startGateway({
    config,
    upstreamUrl: upstream.url,
    registry: createServiceRegistry(undefined, env),
    log: createLog(config.logLevel, destination),
    verifyDelaysMs: [0],
    isEphemeral: true
  })

  const send = async ({ method, path, body, headers }: Ask): Promise<TimedReply> => {
    const startedAt = performance.now()
    const answer = await request(`${running.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${tokenInfo.example.token}`,
        ...(body && { 'content-type': 'application/json' }),
        ...headers
      },
      ...(body && { body: JSON.stringify(body) })
    })
    const text = await answer.body.text()
    const flat = Object.entries(answer.headers).map(([name, value]) => [name, [value].flat().join(', ')])
    return {
      statusCode: answer.statusCode,
      headers: Object.fromEntries(flat),
      text,
      ms: performance.now() - startedAt
    }
  }

  let asked = 0
  return {
    url: running.url,
    upstream,
    log,
    send,
    /**
     * Asks what is answered well, a few at once and never the same: so no earlier cell tells in a later one.
     * @param isKept whether the connections for reads stay open
     */
    async calm(isKept: boolean): Promise<number[]> {
      upstream.rest(isKept)
      asked += OPEN_CONNECTIONS
      const paths = Array.from({ length: OPEN_CONNECTIONS }, (_, index) => `/accounts?planId=${asked - index}`)
      // Whose token it is, is asked over a connection of its own, and remembered.
      const replies = await Promise.all(['/session', ...paths].map(path => send({ method: 'GET', path })))
      return replies.map(({ statusCode }) => statusCode)
    },
    async close() {
      await upstream.close()
      await running.drain()
      rmSync(dataDir, { recursive: true })
    }
  }
}
