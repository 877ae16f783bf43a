import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { request } from 'undici'
import { createServiceRegistry } from '../../../src/auth/services/registry.ts'
import { loadConfig } from '../../../src/config/config.ts'
import { startGateway } from '../../../src/gateway.ts'
import { createLog } from '../../../src/observability/log.ts'
import { tokenInfo } from '../../../src/upstream/actions/sessions.ts'
import type { SampleRequest } from '../../support/harness/action-requests.ts'
import { startFaultUpstream } from './upstream.ts'

export interface TimedReply {
  statusCode: number
  headers: Record<string, string | undefined>
  text: string
  ms: number
}

type Sent = Pick<SampleRequest, 'method' | 'target'> & Partial<SampleRequest>

export type MatrixGateway = Awaited<ReturnType<typeof matrixGateway>>

/** Reads at the same time before a cell: they open the connections that the reads before a write will use. */
const OPEN_CONNECTIONS = 3

/** The real gateway in front of the faulty upstream, over sockets. */
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

  const send = async ({ method, target, body, headers }: Sent): Promise<TimedReply> => {
    const startedAt = performance.now()
    const answer = await request(`${running.url}${target}`, {
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
     * Sends different reads that succeed, some at once, so that no earlier cell affects a later one.
     * @param isKept whether the connections for reads stay open
     */
    async calm(isKept: boolean): Promise<number[]> {
      upstream.rest(isKept)
      asked += OPEN_CONNECTIONS
      const paths = Array.from({ length: OPEN_CONNECTIONS }, (_, index) => `/accounts?planId=${asked - index}`)
      // The customer of the token is looked up over a separate connection, and cached.
      const replies = await Promise.all(['/session', ...paths].map(path => send({ method: 'GET', target: path })))
      return replies.map(({ statusCode }) => statusCode)
    },
    async close() {
      await upstream.close()
      await running.drain()
      rmSync(dataDir, { recursive: true })
    }
  }
}
