import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { DurableStore } from '../../../store/index.ts'

/** A lease is renewed three times in its length: one renewal may fail. */
const RENEWALS = 3

/** 24 h: what a replica that ended has left behind. The lease itself ends by the ledger's clock, which is in its value. */
const LEFTOVER_MS = 24 * 3_600_000

/** The right to work on an order. */
export interface Lease {
  /** Renews the lease while the work runs, and ends it afterwards. */
  during<T>(work: () => Promise<T>): Promise<T>
  /** Ends the lease. Never rejects: one that cannot be ended runs out. */
  end(): Promise<void>
}

/** The leases of orders: each belongs to one request of one replica, and runs out when that replica has ended. */
export interface Leases {
  /** @returns what is left of the lease of another request when there is one, milliseconds */
  acquire(orderId: string): Promise<{ lease: Lease; leftMs?: never } | { lease?: never; leftMs: number }>
  /** What is left of the current lease, milliseconds; 0 when there is none. */
  leftMs(orderId: string): Promise<number>
}

const keyOf = (orderId: string) => `order-lease:${orderId}`

/** @param leaseMs length of a lease that is not renewed, by the store's clock */
export const createLeases = (store: DurableStore, leaseMs: number): Leases => {
  const newValue = async (owner: string) => `${(await store.now()) + leaseMs} ${owner}`
  const leftOf = async (value: string | undefined): Promise<number> => {
    if (value === undefined) return 0
    const left = Number.parseInt(value, 10) - (await store.now())
    // Longer than a lease: the clock was set back since, and the lease may have run out.
    return left > 0 && left <= leaseMs ? left : 0
  }

  const leaseOf = (key: string, owner: string, first: string): Lease => {
    let value: string | undefined = first
    const renew = async () => {
      // When the answer to the last renewal was lost, its value is read.
      value ??= await store.get(key)
      const current = value
      if (!current?.endsWith(owner)) return
      const next = await newValue(owner)
      value = undefined
      if (await store.replace(key, current, next, LEFTOVER_MS)) value = next
    }
    const end = async () => {
      if (value !== undefined) await store.release(key, value).catch(() => undefined)
    }
    return {
      end,
      async during(work) {
        const ended = new AbortController()
        const renewing = repeat(renew, leaseMs / RENEWALS, ended.signal)
        try {
          return await work()
        } finally {
          ended.abort()
          await renewing
          await end()
        }
      }
    }
  }

  return {
    async acquire(orderId) {
      const key = keyOf(orderId)
      const current = await store.get(key)
      const leftMs = await leftOf(current)
      if (leftMs > 0) return { leftMs }
      const owner = randomUUID()
      const value = await newValue(owner)
      const isOurs = await (current === undefined
        ? store.claim(key, value, LEFTOVER_MS)
        : store.replace(key, current, value, LEFTOVER_MS))
      return isOurs ? { lease: leaseOf(key, owner, value) } : { leftMs: leaseMs }
    },
    leftMs: async orderId => leftOf(await store.get(keyOf(orderId)))
  }
}

/** Repeats the work after each pause until the signal aborts. Work that fails is tried again after the next pause. */
const repeat = async (work: () => Promise<void>, pauseMs: number, signal: AbortSignal): Promise<void> => {
  while (await pause(pauseMs, true, { signal, ref: false }).catch(() => false)) await work().catch(() => undefined)
}
