import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

const SAMPLE_MS = 1000
/** Beyond this share of the heap the collector takes over. */
const MOST_HEAP = 0.8

/** How busy the process is. */
export interface Pressure {
  /** Event-loop delay in the last second, 99th percentile; infinite when the heap is nearly full. */
  readonly delayMs: number
  stop(): void
}

export const createPressure = (): Pressure => {
  const histogram = monitorEventLoopDelay({ resolution: 10 })
  histogram.enable()
  let delayMs = 0
  const timer = setInterval(() => {
    const { used_heap_size, heap_size_limit } = getHeapStatistics()
    // The histogram counts the resolution itself as delay.
    delayMs = used_heap_size > heap_size_limit * MOST_HEAP ? Number.POSITIVE_INFINITY : histogram.percentile(99) / 1e6 - 10
    histogram.reset()
  }, SAMPLE_MS).unref()
  return {
    get delayMs() {
      return delayMs
    },
    stop() {
      clearInterval(timer)
      histogram.disable()
    }
  }
}
