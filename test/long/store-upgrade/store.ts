import { Redis } from 'ioredis'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { createBrowser } from '../../support/harness/browser-caller.ts'
import { type Gateway, gateway, type Reply } from '../../support/harness/gateway.ts'
import { ALL, createJob, jobAfter } from '../../support/harness/jobs.ts'
import type { Lifetime } from '../../support/harness/lifetime.ts'
import { redisServer } from '../../support/harness/redis.ts'

/** One key of Redis: a string, or what a collection has. */
export type Row = [key: string, type: 'string' | 'list' | 'set' | 'hash' | 'zset', value: string | string[]]

/** What a version of the gateway has left in its store, and what its callers know. */
export interface OldStore {
  /** The code that it was recorded with. */
  commit: string
  cookie: string
  orderKey: string
  order: Record<string, unknown>
  job: Record<string, unknown>
  rows: Row[]
}

/** The same for every version: sessions are sealed with it, and hold tokens of the sandbox with this seed. */
export const SECRET = 'the-same-secret-of-every-version-of-the-gateway'
export const SEED = 'store-upgrade'

const ORDER = { planId: 2, bucketName: 'of-an-older-version' }

/** Sends the order again, or for the first time. */
export const sendOrder = ({ post }: Pick<Gateway, 'post'>, key: string): Promise<Reply> =>
  post('/orders', ORDER, { headers: { 'idempotency-key': key } })

const READ: Record<Row[1], (redis: Redis, key: string) => Promise<string | string[] | null>> = {
  string: (redis, key) => redis.get(key),
  list: (redis, key) => redis.lrange(key, 0, -1),
  set: (redis, key) => redis.smembers(key),
  hash: async (redis, key) => Object.entries(await redis.hgetall(key)).flat(),
  zset: (redis, key) => redis.zrange(key, '0', '-1', 'WITHSCORES')
}

/** Counters live for minutes, and the queue is made again from the jobs. */
const IS_KEPT = /^hks3:(?!limit:|queue:|probe)/

/** Uses a gateway of this version, and takes down what its Redis has. */
export const recordStore = async (t: Lifetime): Promise<Omit<OldStore, 'commit'>> => {
  const server = await redisServer(t)
  const sandbox = await startSandbox({ seed: SEED })
  t.after(() => sandbox.close())
  const running = await gateway(t, { REDIS_URL: server.url, SESSION_SECRET: SECRET }, { sandbox })
  const browser = createBrowser(running)
  const login = await browser.logIn({ token: sandbox.demo.token })
  if (login.statusCode !== 201) throw new Error(login.text)
  const orderKey = 'the-key-of-the-older-version'
  const order = await sendOrder(running, orderKey)
  if (order.statusCode !== 201) throw new Error(order.text)
  const { jobId } = await createJob(running, ALL)
  await jobAfter(running, jobId)
  const job = (await running.get(`/jobs/${jobId}`)).json()
  const redis = new Redis(server.url)
  const rows: Row[] = []
  for (const key of (await redis.keys('*')).filter(key => IS_KEPT.test(key)).sort()) {
    const type = (await redis.type(key)) as Row[1]
    rows.push([key, type, (await READ[type](redis, key)) ?? ''])
  }
  redis.disconnect()
  return { cookie: browser.cookie() ?? '', orderKey, order: order.json(), job, rows }
}

const DAY_MS = 24 * 3_600_000

/** Puts it into a Redis. */
export const restoreInto = async (url: string, rows: readonly Row[]): Promise<void> => {
  const redis = new Redis(url)
  for (const [key, type, value] of rows) {
    const values = [value].flat()
    if (type === 'string') await redis.set(key, String(value))
    if (type === 'list') await redis.rpush(key, ...values)
    if (type === 'set') await redis.sadd(key, ...values)
    if (type === 'hash') await redis.hset(key, ...values)
    for (let i = 0; type === 'zset' && i < values.length; i += 2)
      await redis.zadd(key, Number(values[i + 1]), String(values[i]))
    await redis.pexpire(key, DAY_MS)
  }
  redis.disconnect()
}
