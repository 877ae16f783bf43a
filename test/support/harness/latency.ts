interface Load {
  requests: number
  /** Number of callers; each sends one request at a time. */
  callers: number
}

/** Sends requests and measures each. @returns milliseconds, shortest first */
export const timesOf = async (send: () => Promise<unknown>, { requests, callers }: Load): Promise<number[]> => {
  const times: number[] = []
  let left = requests
  const caller = async () => {
    while (left > 0) {
      left -= 1
      const begunAt = performance.now()
      await send()
      times.push(performance.now() - begunAt)
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return times.sort((a, b) => a - b)
}

/** The percentile of sorted times. */
export const percentile = (sorted: readonly number[], percent: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0
