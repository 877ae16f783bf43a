import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Connections of one kind: what each sends first, and then repeatedly. */
export interface SlowLoad {
  url: string
  count: number
  first: string
  more: string
}

/** Seconds from connecting until the gateway closed, shortest first; Infinity for open ones. */
export type Lives = number[]

/** Number of connections opened at once: a storm of connections is another test. */
const AT_ONCE = 100
const PAUSE_MS = 50
/** 2 s: slower than real clients, faster than a timeout between two packets. */
const DRIP_MS = 2000
/** More than the guaranteed 18 s. */
const LONGEST_MS = 22_000

/** Opens slow connections from a process of its own, and waits until the gateway has closed them all. */
export const slowClients = async (load: SlowLoad): Promise<Lives> => {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  child.send(load)
  const [lives] = (await once(child, 'message')) as [(number | null)[]]
  child.disconnect()
  // JSON knows no Infinity.
  return lives.map(life => life ?? Number.POSITIVE_INFINITY)
}

/** The life of one connection, which never closes itself. */
const lifeOf = ({ url, first, more }: SlowLoad): Promise<number> =>
  new Promise(resolve => {
    const { hostname, port } = new URL(url)
    const begunAt = performance.now()
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
    const settle = (life: number) => {
      clearInterval(drip)
      clearTimeout(timer)
      socket.destroy()
      resolve(life)
    }
    const isClosed = () => settle((performance.now() - begunAt) / 1000)
    const drip = setInterval(() => more !== '' && socket.write(more), DRIP_MS)
    const timer = setTimeout(() => settle(Number.POSITIVE_INFINITY), LONGEST_MS)
    if (first !== '') socket.write(first)
    socket.resume()
    socket.on('end', isClosed)
    socket.on('error', isClosed)
    socket.on('close', isClosed)
  })

const drive = async (load: SlowLoad): Promise<Lives> => {
  const lives: Promise<number>[] = []
  while (lives.length < load.count) {
    for (let n = 0; n < AT_ONCE && lives.length < load.count; n += 1) lives.push(lifeOf(load))
    await pause(PAUSE_MS)
  }
  return (await Promise.all(lives)).sort((a, b) => a - b)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once('message', async load => process.send?.(await drive(load as SlowLoad)))
}
