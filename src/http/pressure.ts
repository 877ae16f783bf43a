import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

const SAMPLE_MS = 1000
/** Event-loop delay, 99th percentile of a second, above which requests wait noticeably. Assumed. */
const MAX_DELAY_MS = 250
/** Share of the heap above which garbage collection takes most of the time. Assumed. */
const MAX_HEAP = 0.8
const RESOLUTION_MS = 10

/** The load of the process. */
export interface Pressure {
  /** 0 without pressure. Each overloaded second after the first raises it by one, each other second lowers it by one. */
  readonly level: number
  stop(): void
}

/** @param maxLevel the highest level */
export const createPressure = (maxLevel: number): Pressure => {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  let overloadedSeconds = 0
  const timer = setInterval(() => {
    // The histogram includes its own resolution in the delay.
    const delayMs = histogram.percentile(99) / 1e6 - RESOLUTION_MS
    histogram.reset()
    const { used_heap_size, heap_size_limit } = getHeapStatistics()
    const isOverloaded = delayMs > MAX_DELAY_MS || used_heap_size > heap_size_limit * MAX_HEAP
    overloadedSeconds = isOverloaded
      ? Math.min(overloadedSeconds + 1, maxLevel + 1)
      : Math.max(overloadedSeconds - 1, 0)
  }, SAMPLE_MS).unref()
  return {
    get level() {
      // A single overloaded second is ignored.
      return Math.max(0, overloadedSeconds - 1)
    },
    stop() {
      clearInterval(timer)
      histogram.disable()
    }
  }
}
