import type { Test } from 'tap'
import { request } from 'undici'
import { fails } from '../../support/assert/expect.ts'
import { amount } from '../../support/harness/amount.ts'
import type { Gateway, Reply } from '../../support/harness/gateway.ts'
import { redisServer } from '../../support/harness/redis.ts'
import { replicas } from '../../support/harness/replicas.ts'

/** An operation for every authentication scheme; the sandbox answers 200. */
export const BUCKETS = '/accounts/s3_user_1/buckets'

/** The guaranteed recovery time; a short run shares the machine with other tests. */
export const MAX_RECOVERY_MS = amount(1500, 500)

/** A gateway on a Redis of its own. */
export const onRedis = async (t: Test, env: Record<string, string> = {}, settings: readonly string[] = []) => {
  const redis = await redisServer(t, { settings })
  const installation = await replicas(t, { REDIS_URL: redis.url, ...env }, { count: 1 })
  return { redis, gateway: installation.at(0), ...installation }
}

/** 503 with the cookie as it was: front ends would take anything else for a logout. */
export const isRefusedGently = (t: Test, reply: Reply): void => {
  fails(t, reply, 503, 'store-unavailable')
  t.equal(reply.headers['retry-after'], '2')
  t.equal(reply.headers['set-cookie'], undefined, 'the cookie is untouched')
}

/** The status of a probe on the listener for operators. */
export const probe = async ({ managementUrl }: Pick<Gateway, 'managementUrl'>, name: string): Promise<number> => {
  const reply = await request(`${managementUrl}/${name}`)
  await reply.body.dump()
  return reply.statusCode
}

/** How many log lines hold the text. */
export const linesWith = ({ lines }: Pick<Gateway, 'lines'>, text: string): number =>
  lines.filter(line => line.includes(text)).length

/** Asks again and again until the answer is yes. @returns milliseconds; infinite when it never was */
export const timeUntil = async (isThere: () => Promise<boolean>, { patienceMs = 5000 } = {}): Promise<number> => {
  const begunAt = performance.now()
  while (performance.now() - begunAt < patienceMs) {
    if (await isThere()) return performance.now() - begunAt
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  return Number.POSITIVE_INFINITY
}
