import { load } from './load.ts'
import { type Running, residentMbOf } from './process.ts'
import { type Workload, workloadOf } from './workloads.ts'

/** Of each kind, and of all kinds together afterwards. */
const FIRST = 100_000
const THEN = 1_000_000

const STEP_SECONDS = 4

/** Small and large replies, a write, and what is cached. */
const KINDS = ['W1', 'W2', 'W3', 'W4'].map(workloadOf)

export interface MemoryResult {
  /** Resident memory after 100,000 requests of each kind, MB. */
  firstMb: number
  /** The same after 1,000,000 more. */
  lastMb: number
}

/** The resident memory of the gateway, after many requests of each kind and after many more. */
export const memoryOf = async (
  gateway: Running,
  { heads, folder, report }: { heads: readonly string[]; folder: string; report: (line: string) => void }
): Promise<MemoryResult> => {
  const send = async (workload: Workload, requests: number) => {
    for (let sent = 0; sent < requests; ) {
      const { requests: answered, refused } = await load(gateway.url, workload, {
        heads,
        seconds: STEP_SECONDS,
        folder
      })
      if (answered === 0 || refused > 0)
        throw new Error(`${workload.id}: ${refused} of ${answered} requests are refused.`)
      sent += answered
    }
    report(`${workload.id} ${residentMbOf(gateway.pid).toFixed(0)} MB`)
  }
  const sendAll = async (requests: number) => {
    for (const kind of KINDS) await send(kind, requests)
    return residentMbOf(gateway.pid)
  }
  return { firstMb: await sendAll(FIRST), lastMb: await sendAll(THEN / KINDS.length) }
}
