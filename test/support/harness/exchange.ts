import { connect } from 'node:net'

export interface Exchange {
  /** Status of each reply, in order. */
  statuses: number[]
  /** Everything received. */
  text: string
  /** Did the other side close in time? */
  isClosed: boolean
  ms: number
}

/** 3 s: a refusal takes milliseconds; a connection that is open after this stays open. */
const CLOSED_WITHIN_MS = 3000

export interface ExchangeOptions {
  timeoutMs?: number
  packetMs?: number
  /** The address of this machine from which to connect. */
  localAddress?: string
}

/** The host of an address, as sockets take it. */
export const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[|\]$/g, '')

/** Sends bytes unchanged, each write in its own packet, and reads until the other side closes. */
export const exchange = (
  url: string,
  writes: readonly string[],
  { timeoutMs = CLOSED_WITHIN_MS, packetMs = PACKET_MS, localAddress }: ExchangeOptions = {}
): Promise<Exchange> =>
  new Promise(resolve => {
    const { port } = new URL(url)
    const begunAt = performance.now()
    const to = { port: Number(port), host: hostOf(url), ...(localAddress !== undefined && { localAddress }) }
    const socket = connect(to).setNoDelay()
    const chunks: Buffer[] = []
    const timers = [setTimeout(() => settle(false), timeoutMs)]
    const settle = (isClosed: boolean) => {
      for (const timer of timers) clearTimeout(timer)
      socket.destroy()
      const text = Buffer.concat(chunks).toString('latin1')
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
      resolve({ statuses, text, isClosed, ms: performance.now() - begunAt })
    }
    for (const [place, bytes] of writes.entries()) {
      const write = () => socket.writable && socket.write(Buffer.from(bytes, 'latin1'))
      timers.push(setTimeout(write, place * packetMs))
    }
    socket.on('data', chunk => chunks.push(chunk))
    socket.on('error', () => settle(true))
    socket.on('end', () => settle(true))
  })

/** 20 ms: two writes become two packets. */
const PACKET_MS = 20
