import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** What the main thread sends, opens and closes. How often it reads or waits depends on how fast the others are. */
const TRACED = 'trace=write,writev,sendto,sendmsg,socket,connect,accept4,setsockopt,shutdown,close'
const ATTACH_MS = 1000

/** Counts the system calls of a process while something runs; undefined where strace is missing or may not attach. */
export const systemCallsOf = async (
  pid: number,
  folder: string,
  run: () => Promise<void>
): Promise<number | undefined> => {
  const file = `${folder}/system-calls`
  const strace = spawn('strace', ['-c', '-e', TRACED, '-o', file, '-p', String(pid)], { stdio: 'ignore' })
  const ended = once(strace, 'exit').catch(() => undefined)
  await pause(ATTACH_MS)
  if (strace.pid === undefined || strace.exitCode !== null) return undefined
  try {
    await run()
  } finally {
    // It detaches and writes its table.
    strace.kill('SIGINT')
    await ended
  }
  const total = /^ *100\.00 +\S+ +\S+ +(\d+)/m.exec(readFileSync(file, 'utf8'))?.[1]
  return total === undefined ? undefined : Number(total)
}
