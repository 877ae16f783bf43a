import type { Redis } from 'ioredis'

/** Runs a command while Redis neither loses nor evicts what it holds. @throws StoreUnavailable */
export type RedisCommand = <T>(command: (redis: Redis) => Promise<T>) => Promise<T>

/** Runs a script. Each has a fixed type of reply. */
export type RedisScript = <T>(lua: string, keys: readonly string[], ...args: readonly (string | number)[]) => Promise<T>

export const createRedisScript =
  (command: RedisCommand): RedisScript =>
  <T>(lua: string, keys: readonly string[], ...args: readonly (string | number)[]) =>
    command(redis => redis.eval(lua, keys.length, ...keys, ...args) as Promise<T>)
