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
  let treated = 0
  const url = await frontOf(t, sandbox.url, async fields => {
    const treatment = await treat(fields, tokenOf)
    if (treatment !== undefined) treated += 1
    return treatment
  })
  const g = await gateway(t, { UPSTREAM_URL: url, TRUST_PROXY: '127.0.0.1', LOG_LEVEL: 'info', ...env }, { sandbox })
  /** Calls so far that the front treated in its own way. */
  return { ...g, treated: () => treated }
}

export const randomToken = () => randomBytes(16).toString('hex')

/** 20 ms between the requests of one worker: the tests share the processor with the gateway. */
const PAUSE_MS = 20

interface Attempt {
  method?: string
  path: string
  token?: string
  headers?: Record<string, string>
  body?: unknown
}

/**
 * Asks until it is ended, some requests at a time, each from the next of the addresses. The end aborts what is unanswered; the
 * end of the test is one too.
 */
export const attack = (
  t: Lifetime,
  { url }: Pick<Gateway, 'url'>,
  { addresses = ['198.51.100.1'], atOnce = 20 }: { addresses?: readonly string[]; atOnce?: number },
  next: (n: number) => Attempt
) => {
  // Not by the harness: it would compare every reply with the document.
  const statuses: number[] = []
  const ending = new AbortController()
  const { signal } = ending
  let sent = 0
  const worker = async () => {
    while (!signal.aborted) {
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
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal
      })
      await reply.body.dump()
      statuses.push(reply.statusCode)
      await pause(PAUSE_MS, undefined, { signal })
    }
  }
  const failures: unknown[] = []
  const workers = Array.from({ length: atOnce }, () =>
    worker().catch(error => {
      if (!signal.aborted) failures.push(error)
    })
  )
  /** @throws the error of a request that got no reply before the end */
  const end = async () => {
    ending.abort()
    await Promise.all(workers)
    if (failures.length > 0) throw failures[0]
  }
  t.after(end)
  return { statuses, end }
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
