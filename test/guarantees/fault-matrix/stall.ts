const TICK_MS = 10

/** How long this process has stood still so far, milliseconds: a busy machine had other things to do. */
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
