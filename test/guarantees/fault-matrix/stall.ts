const TICK_MS = 10

/** Milliseconds for which this process was not scheduled so far, on a busy machine. */
export const createStallClock = () => {
  let stalledMs = 0
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    stalledMs += Math.max(0, now - last - TICK_MS)
    last = now
  }, TICK_MS).unref()
  return { stalledMs: () => stalledMs, stop: () => clearInterval(timer) }
}
