/**
 * Parses an NDJSON body: yields each value when its line is complete. A consumer that stops early ends the transfer.
 * @param idleMs longest silence of the body
 * @throws DOMException TimeoutError; what the body throws when the network fails
 */
export async function* parseNdjson(body: ReadableStream<Uint8Array>, idleMs: number): AsyncGenerator<unknown, void> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let partial = ''
  try {
    for (;;) {
      const { done, value } = await withTimeout(idleMs, reader.read())
      const lines = (partial + decoder.decode(value, { stream: !done })).split('\n')
      // The text after the last newline is incomplete. At the end of the body it was cut off: it is dropped.
      partial = lines.pop() ?? ''
      for (const line of lines) yield JSON.parse(line)
      if (done) return
    }
  } finally {
    // If this fails, the caller has that failure already.
    reader.cancel().catch(() => undefined)
  }
}

/** @throws DOMException TimeoutError */
export const withTimeout = async <T>(ms: number, work: Promise<T>): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DOMException(`no data for ${ms} ms`, 'TimeoutError')), ms)
  })
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}
