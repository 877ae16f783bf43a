import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

const SAMPLE_MS = 1000
/** Event-loop delay of a second, 99th percentile, beyond which requests wait noticeably (RELIABILITY 4.3). */
const MAX_DELAY_MS = 250
/** Beyond this share of the heap the collector takes over. */
const MAX_HEAP = 0.8
const RESOLUTION_MS = 10

/** How hard pressed the process is. */
export interface Pressure {
  /** One more with each bad second after the first, one less with each good one; 0 when all is well. */
  readonly level: number
  stop(): void
}

/** @param most the highest level there is */
export const createPressure = (most: number): Pressure => {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  let badSeconds = 0
  const timer = setInterval(() => {
    // The histogram counts its own resolution as delay.
    const delayMs = histogram.percentile(99) / 1e6 - RESOLUTION_MS
    histogram.reset()
    const { used_heap_size, heap_size_limit } = getHeapStatistics()
    const isBad = delayMs > MAX_DELAY_MS || used_heap_size > heap_size_limit * MAX_HEAP
    badSeconds = isBad ? Math.min(badSeconds + 1, most + 1) : Math.max(badSeconds - 1, 0)
  }, SAMPLE_MS).unref()
  return {
    get level() {
      // One bad second alone is a hiccup of the machine.
      return Math.max(0, badSeconds - 1)
    },
    stop() {
      clearInterval(timer)
      histogram.disable()
    }
  }
}
