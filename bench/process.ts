import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** The server under test has the first core; load, upstream and this program have the second. */
export const SERVER_CORE = 0
export const LOAD_CORE = 1

/** Linux counts CPU time in 10 ms (USER_HZ, 100 on every architecture of Node's). */
const TICK_MS = 10
const START_MS = 20_000
const STOP_MS = 10_000

export interface Launch {
  name: string
  /** Program and arguments. */
  command: readonly string[]
  env: Readonly<Record<string, string>>
  core: number
  /** For the log and, where it needs one, its files. */
  folder: string
  port: number
  /** With a channel to this program, for Node's own programs. */
  hasChannel?: boolean
}

export interface Running {
  name: string
  child: ChildProcess
  pid: number
  url: string
  stop(): Promise<void>
}

/** Starts a program on one core and waits until its port answers. @throws Error with the end of its log */
export const start = async ({ name, command, env, core, folder, port, hasChannel }: Launch): Promise<Running> => {
  const log = `${folder}/${name}.log`
  const stderr = openSync(log, 'w')
  // taskset becomes the program: the process id is the program's own.
  const child = spawn('taskset', ['-c', String(core), ...command], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'ignore', stderr, hasChannel ? 'ipc' : 'ignore']
  })
  closeSync(stderr)
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const url = `http://127.0.0.1:${port}`
  if (child.pid === undefined || !(await answers(url, child))) {
    throw new Error(`${name} does not start:\n${readFileSync(log, 'utf8').slice(-2000)}`)
  }
  return {
    name,
    child,
    pid: child.pid,
    url,
    async stop() {
      process.removeListener('exit', kill)
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const timer = setTimeout(kill, STOP_MS)
      await ended
      clearTimeout(timer)
    }
  }
}

const answers = async (url: string, child: ChildProcess): Promise<boolean> => {
  const until = performance.now() + START_MS
  while (child.exitCode === null && performance.now() < until) {
    const isThere = await fetch(url).then(
      reply => reply.text().then(() => true),
      () => false
    )
    if (isThere) return true
    await pause(50)
  }
  return false
}

/** A free port. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address ? address.port : 0
}

/** User and system time of a process, in ms. */
export const cpuMsOf = (pid: number): number => timesOf(pid).own

/** The same of this process and of the programs that it has waited for. */
export const ownCpuMs = (): number => {
  const { own, children } = timesOf(process.pid)
  return own + children
}

const timesOf = (pid: number) => {
  const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name of the program, in brackets, may hold spaces: the fields are counted behind it.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15).map(Number)
  return { own: (user + system) * TICK_MS, children: (childrenUser + childrenSystem) * TICK_MS }
}

/** Busy time of all cores together, in ms. */
export const machineCpuMs = (): number => {
  const [, ...fields] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/ +/)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields.map(Number)
  return (user + nice + system + irq + softirq + steal) * TICK_MS
}

/** Resident memory, in MB. */
export const residentMbOf = (pid: number): number => {
  const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kb) / 1024
}
