import { type Redis, ReplyError } from 'ioredis'
import { type ReportFault, reportOnce, type StoreFault } from './faults.ts'
import type { StoreHealth } from './health.ts'
import { isReply } from './redis-errors.ts'
import { EXAMINE_MS, withTimeout } from './redis-timeouts.ts'
import { StoreUnavailable } from './store.ts'

const valueIn = (info: string, name: string): string | undefined =>
  info
    .split(/\r?\n/)
    .find(line => line.startsWith(`${name}:`))
    ?.slice(name.length + 1)
    .trim()

/** Is it a node of a Redis Cluster? */
const isCluster = (info: string): boolean => valueIn(info, 'cluster_enabled') === '1'

/**
 * Why this Redis must not hold orders. Without an append-only file it lost all of 157,149 acknowledged writes in a kill
 * (measured); one that evicts forgets which orders were sent.
 * @param info the reply to INFO
 */
const durabilityFaultOf = (info: string, where: string): StoreFault | undefined => {
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

export interface DurabilityOptions {
  redis: Redis
  health: StoreHealth
  /** The server in a message. */
  where: string
  explain: (error: unknown) => StoreFault
  report: ReportFault
}

/** Refuses the commands that need durability while Redis may lose or evict what it holds. */
export const createDurability = ({ redis, health, where, explain, report }: DurabilityOptions) => {
  const tell = reportOnce(report)
  /** Undefined until it is examined, and after each connection: another Redis may be behind the address. */
  let known: { fault: StoreFault | undefined } | undefined
  let examining: Promise<void> | undefined
  const examine = (): Promise<void> => {
    examining ??= (async () => {
      try {
        const info = await withTimeout(() => redis.info(), EXAMINE_MS)
        if (isCluster(info)) throw new ReplyError('MOVED: cluster_enabled is 1')
        known = { fault: durabilityFaultOf(info, where) }
      } catch (error) {
        if (!isReply(error)) throw error
        known = { fault: explain(error) }
        if (!/NOPERM|has no permissions/.test(error.message)) throw error
      } finally {
        examining = undefined
      }
      tell(known.fault)
    })()
    return examining
  }
  const durable = <A extends unknown[], T>(command: (...args: A) => Promise<T>) => {
    return async (...args: A): Promise<T> => {
      // What was wrong may be mended: it is examined again for each order.
      if (known === undefined || known.fault) await health.run(examine)
      if (known?.fault) throw new StoreUnavailable(known.fault.code)
      return command(...args)
    }
  }
  return {
    examine,
    durable,
    /** Called when a connection has ended. */
    forget() {
      known = undefined
    },
    async check() {
      if (known === undefined || known.fault) await health.run(examine).catch(() => undefined)
      return known === undefined ? health.check() : known.fault
    }
  }
}
