import fc from 'fast-check'
import type { FuzzRequest } from './requests.ts'
import { requestsTo } from './requests.ts'
import type { Stage } from './stage.ts'

/** The sandbox is reset after this number of requests. */
const RESET_EVERY = 200

/** The result of a run. */
export interface Tally {
  requests: number
  /** Requests that caused a call to HOSTKEY. */
  reachedUpstream: number
  calls: number
  statuses: Record<string, number>
  /** How often each operation succeeded. */
  successes: Record<string, number>
  /** The smallest request with a violation. */
  failure: { request: FuzzRequest; violations: string[] } | undefined
}

/** Sends requests one after the other, and stops at the first violation. */
export const fuzz = async (stage: Stage, { seed, runs }: { seed: number; runs: number }): Promise<Tally> => {
  const tally: Tally = { requests: 0, reachedUpstream: 0, calls: 0, statuses: {}, successes: {}, failure: undefined }
  const { tryOut, reset, document, dictionary } = stage
  let failure: Tally['failure']
  // An uncaught error ends a gateway. Here it is a violation of the current request.
  let crash = Promise.withResolvers<Error>()
  const onCrash = (crashed: Error) => {
    crash.resolve(crashed)
    crash = Promise.withResolvers()
  }
  const judged = async (request: FuzzRequest) => {
    const tried = await Promise.race([tryOut(request), crash.promise])
    if (!(tried instanceof Error)) return tried
    return { reply: { statusCode: 0 }, sent: stage.wiretap.take(), violations: [`crashed: ${tried.stack}`] }
  }
  const property = fc.asyncProperty(requestsTo(document, dictionary), async request => {
    // While a failing case shrinks, each try starts with a reset.
    if (failure || tally.requests % RESET_EVERY === 0) await reset()
    const { reply, sent, violations } = await judged(request)
    // A client without a reply repeats the order.
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
  process.on('uncaughtException', onCrash)
  try {
    const { errorInstance } = await fc.check(property, { seed, numRuns: runs, maxSkipsPerRun: 0 })
    if (errorInstance && !failure) throw errorInstance
  } finally {
    // An error of the fuzzer itself must end its worker.
    process.off('uncaughtException', onCrash)
  }
  return { ...tally, failure }
}
