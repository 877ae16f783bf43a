import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** 60 s at 50 ms each: on a busy machine some programs start slowly. */
const STARTS = 1200

/** Waits until a program accepts connections on a port of this machine. @throws Error when it ends before */
export const untilListening = async (port: number, child: ChildProcess): Promise<void> => {
  for (let starts = 0; starts < STARTS && child.exitCode === null; starts += 1) {
    const socket = connect(port, '127.0.0.1')
    const isUp = await once(socket, 'connect').then(
      () => true,
      () => false
    )
    socket.destroy()
    if (isUp) return
    await pause(50)
  }
  throw new Error(`${child.spawnfile} does not start`)
}
