import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'

/** One request of a load: time of sending, status and duration. */
export interface Sample {
  sentAt: number
  /** 0 without a reply. */
  status: number
  ms: number
}

export interface OpenLoad {
  samples: Sample[]
  /** Stops sending, and waits for the requests in flight. */
  end(): Promise<void>
}

const TICK_MS = 10

/**
 * Sends a constant number of requests per second and does not wait for earlier ones (open load).
 * @param next makes the next request
 */
export const openLoad = (
  rps: number,
  next: () => { url: string; method?: 'GET' | 'DELETE'; headers?: Record<string, string> }
): OpenLoad => {
  const agent = new Agent({ connections: 512, pipelining: 1, headersTimeout: 60_000 })
  const samples: Sample[] = []
  const underWay = new Set<Promise<void>>()
  const startedAt = performance.now()
  let sent = 0
  let isOver = false

  const send = async () => {
    const { url, method = 'GET', headers = {} } = next()
    const sentAt = performance.now()
    let status = 0
    try {
      const reply = await request(url, { method, headers, dispatcher: agent })
      await reply.body.dump()
      status = reply.statusCode
    } catch {
      // Counts as no reply.
    }
    samples.push({ sentAt, status, ms: performance.now() - sentAt })
  }
  const run = async () => {
    while (!isOver) {
      const due = ((performance.now() - startedAt) / 1000) * rps
      for (; sent < due; sent += 1) {
        const one = send()
        underWay.add(one)
        one.finally(() => underWay.delete(one))
      }
      await pause(TICK_MS)
    }
  }
  const running = run()
  return {
    samples,
    async end() {
      isOver = true
      await running
      await Promise.all(underWay)
      await agent.close()
    }
  }
}
