/**
 * The values of an ndjson body, each as soon as its line is complete. Who stops listening ends the transfer.
 * @param idleMs so long the body may be silent
 * @throws DOMException TimeoutError; what the body throws when the network fails
 */
export async function* linesOf(body: ReadableStream<Uint8Array>, idleMs: number): AsyncGenerator<unknown, void> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await within(idleMs, reader.read())
      const lines = (rest + decoder.decode(value, { stream: !done })).split('\n')
      // What follows the last newline is not complete yet; at the end it is cut off, and no value.
      rest = lines.pop() ?? ''
      for (const line of lines) yield JSON.parse(line)
      if (done) return
    }
  } finally {
    // Its failure is the one that the caller has already.
    reader.cancel().catch(() => undefined)
  }
}

const within = async <T>(ms: number, work: Promise<T>): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DOMException(`the body is silent for ${ms} ms`, 'TimeoutError')), ms)
  })
  try {
    return await Promise.race([work, silence])
  } finally {
    clearTimeout(timer)
  }
}
