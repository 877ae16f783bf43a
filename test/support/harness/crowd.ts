import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { frontOf, type Treatment } from '../fakes/front.ts'
import { type Gateway, gateway, type Reply } from './gateway.ts'
import type { Lifetime } from './lifetime.ts'

/** A gateway behind a trusted proxy, and a front of HOSTKEY that treats some callers in its own way. */
export const crowdedGateway = async (
  t: Lifetime,
  treat: (
    fields: Record<string, string | undefined>,
    tokenOf: (name: string) => string
  ) => Treatment | Promise<Treatment>,
  env: Record<string, string> = {}
) => {
  const sandbox = await startSandbox({ seed: crypto.randomUUID() })
  t.after(() => sandbox.close())
  const { tokenOf } = sandbox.control
  const url = await frontOf(t, sandbox.url, fields => treat(fields, tokenOf))
  return gateway(t, { UPSTREAM_URL: url, TRUST_PROXY: '127.0.0.1', LOG_LEVEL: 'info', ...env }, { sandbox })
}

export const randomToken = () => randomBytes(16).toString('hex')

/** 20 ms between the requests of one worker: the tests share the processor with the gateway. */
const PAUSE_MS = 20

/** Asks until it is stopped, some requests at a time, each from the next of the addresses. */
export const attack = (
  { url }: Pick<Gateway, 'url'>,
  { addresses = ['198.51.100.1'], atOnce = 20 }: { addresses?: readonly string[]; atOnce?: number },
  next: (n: number) => {
    method?: string
    path: string
    token?: string
    headers?: Record<string, string>
    body?: unknown
  }
) => {
  // Not by the harness: it would compare every reply with the document.
  const statuses: number[] = []
  let isOver = false
  let sent = 0
  const worker = async () => {
    while (!isOver) {
      const n = sent++
      const { method = 'GET', path, token, headers, body } = next(n)
      const address = addresses[n % addresses.length] ?? ''
      const reply = await request(url + path, {
        method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          'x-forwarded-for': address,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers
        },
        ...(body !== undefined && { body: JSON.stringify(body) })
      })
      await reply.body.dump()
      statuses.push(reply.statusCode)
      await pause(PAUSE_MS)
    }
  }
  // The gateway has gone when the test has failed.
  const workers = Array.from({ length: atOnce }, () => worker().catch(() => undefined))
  return {
    statuses,
    async end() {
      isOver = true
      await Promise.all(workers)
    }
  }
}

/** Sends a request again and again, one after the other. @returns how many had each status, and the times */
export const repeat = async (count: number, ask: (n: number) => Promise<Reply>) => {
  const statuses: Record<number, number> = {}
  const times: number[] = []
  for (let n = 0; n < count; n += 1) {
    const startedAt = performance.now()
    const { statusCode } = await ask(n)
    times.push(performance.now() - startedAt)
    statuses[statusCode] = (statuses[statusCode] ?? 0) + 1
  }
  return { statuses, times: times.sort((a, b) => a - b) }
}
