import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import {
  ADD_MEMBER,
  COUNT_MARKED,
  type createScripts,
  MARK,
  RELEASE,
  REMOVE_ALL_MEMBERS,
  REPLACE
} from './redis-scripts.ts'
import { EXAMINE_MS, withTimeout } from './redis-timeouts.ts'

type Scripts = ReturnType<typeof createScripts>

/** Does what the gateway does, with a key of its own: an ACL user that lacks a command or the keys is noticed here. */
export const exercise = async (redis: Redis, { script, sendAdmit }: Scripts) => {
  const own = `probe:${randomUUID()}`
  const lifeMs = 1000
  const commands = () => [
    redis.set(own, 'a', 'PX', lifeMs),
    redis.set(own, 'b', 'PX', lifeMs, 'NX'),
    redis.getex(own, 'PX', lifeMs),
    redis.get(own),
    redis.time(),
    script(REPLACE, own, 'a', 'b', lifeMs),
    script(RELEASE, own, 'b'),
    sendAdmit([{ key: own, by: 1, windowMs: lifeMs, max: 1 }], { key: own, ttlMs: lifeMs, limits: [] }),
    redis.del(own),
    script(ADD_MEMBER, own, 'a', 1, lifeMs),
    redis.lrange(own, 0, -1),
    redis.mget(`${own}:other`),
    redis.lrem(own, 0, 'a'),
    script(REMOVE_ALL_MEMBERS, own),
    script(MARK, own, 'a', lifeMs),
    script(COUNT_MARKED, own),
    redis.zrem(own, 'a')
  ]
  await withTimeout(() => Promise.all<unknown>(commands()), EXAMINE_MS)
}
