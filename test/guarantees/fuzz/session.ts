import fc from 'fast-check'
import type { FuzzRequest } from './requests.ts'
import { requestsTo } from './requests.ts'
import type { Stage } from './stage.ts'

/** So many requests see what those before have left; then the sandbox is as at the start. */
const RESET_EVERY = 200

/** What became of a run. */
export interface Tally {
  requests: number
  /** Requests for which HOSTKEY was asked something. */
  reachedUpstream: number
  calls: number
  statuses: Record<string, number>
  /** How often each operation succeeded. */
  successes: Record<string, number>
  /** The smallest request that broke a promise, and how. */
  failure: { request: FuzzRequest; violations: string[] } | undefined
}

/** Sends so many requests, one after the other, and stops at the first that breaks a promise. */
export const fuzz = async (stage: Stage, { seed, runs }: { seed: number; runs: number }): Promise<Tally> => {
  const tally: Tally = { requests: 0, reachedUpstream: 0, calls: 0, statuses: {}, successes: {}, failure: undefined }
  const { tryOut, reset, document, dictionary } = stage
  let failure: Tally['failure']
  // What is thrown where nobody catches ends a gateway. Here it counts against the request that was being answered.
  let crash = Promise.withResolvers<Error>()
  process.on('uncaughtException', crashed => {
    crash.resolve(crashed)
    crash = Promise.withResolvers()
  })
  const judged = async (request: FuzzRequest) => {
    const tried = await Promise.race([tryOut(request), crash.promise])
    if (!(tried instanceof Error)) return tried
    return { reply: { statusCode: 0 }, sent: stage.wiretap.take(), violations: [`crashed: ${tried.stack}`] }
  }
  const property = fc.asyncProperty(requestsTo(document, dictionary), async request => {
    // While a failing case is made smaller, each try begins anew.
    if (failure || tally.requests % RESET_EVERY === 0) await reset()
    const { reply, sent, violations } = await judged(request)
    // Whoever got no answer sends an order again.
    if (request.headers['idempotency-key'] !== undefined) violations.push(...(await judged(request)).violations)
    tally.requests += 1
    tally.calls += sent.length
    if (sent.length > 0) tally.reachedUpstream += 1
    tally.statuses[reply.statusCode] = (tally.statuses[reply.statusCode] ?? 0) + 1
    if (reply.statusCode < 300) tally.successes[request.operationId] = (tally.successes[request.operationId] ?? 0) + 1
    if (violations.length === 0) return true
    failure = { request, violations }
    return false
  })
  await fc.check(property, { seed, numRuns: runs, maxSkipsPerRun: 0 })
  return { ...tally, failure }
}
