import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type ActionName, actions } from '../../../src/upstream/actions/index.ts'
import { listening } from '../../support/harness/serving.ts'
import { head, type WireFault } from './wire.ts'
import { authReply, okBody, type World } from './world.ts'

/** One cell of the matrix: the answer to the action under test, and whether it was executed. */
export interface Cell {
  action: ActionName
  fault: WireFault
  /** The complete body of the reply that the fault corrupts. */
  body: Buffer
}

/** A fake HOSTKEY on plain sockets, with faults on the wire. */
export interface FaultUpstream {
  url: URL
  /** Answers everything as documented. @param isKept whether connections stay open */
  rest(isKept: boolean): void
  /** From now on the fault applies to the action; other actions are answered as documented. */
  play(cell: Cell): void
  /** How often the action was sent since `play`; a connection that is reset before it was read counts once. */
  hits(action: ActionName): number
  close(): Promise<void>
}

export const startFaultUpstream = async (): Promise<FaultUpstream> => {
  const sockets = new Set<Socket>()
  const counts = new Map<string, number>()
  let cell: Cell | undefined
  let isKept = true
  let world: World

  const count = (action: string) => counts.set(action, (counts.get(action) ?? 0) + 1)

  const answer = (socket: Socket, { script, action, isLast }: FormRequest) => {
    count(action)
    if (cell?.fault.at === 'request' && cell.action === action) {
      if (cell.fault.isExecuted) world = action
      cell.fault.apply(socket, { body: cell.body, isLast })
      return
    }
    const body = script === 'auth.php' ? authReply : isKnown(action) ? okBody(action, world) : Buffer.from('{}')
    const closes = isLast || !isKept
    socket.write(Buffer.concat([head(200, { length: body.length, closes }), body]))
    if (closes) socket.end()
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.on('end', () => socket.end())
    if (cell?.fault.at === 'accept') {
      if (!cell.fault.isRead) count(cell.action)
      cell.fault.apply(socket)
      if (cell.fault.isRead) readForms(socket, ({ action }) => count(action))
      return
    }
    readForms(socket, request => answer(socket, request))
  })
  const port = await listening(server)

  return {
    url: new URL(`http://127.0.0.1:${port}/`),
    rest(kept) {
      cell = undefined
      isKept = kept
      world = undefined
    },
    play(next) {
      cell = next
      isKept = true
      world = undefined
      counts.clear()
    },
    hits: action => counts.get(action) ?? 0,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}

const isKnown = (action: string): action is ActionName => Object.hasOwn(actions, action)

interface FormRequest {
  script: string
  action: string
  /** The client has closed its side of the connection. */
  isLast: boolean
}

/** Reads one form after the other. The gateway always sends a length. */
const readForms = (socket: Socket, onForm: (request: FormRequest) => void) => {
  let received = Buffer.alloc(0)
  socket.on('data', chunk => {
    received = Buffer.concat([received, chunk])
    for (;;) {
      const headEnd = received.indexOf('\r\n\r\n')
      if (headEnd === -1) return
      const lines = received.subarray(0, headEnd).toString('latin1')
      const bodyEnd = headEnd + 4 + Number(/^content-length: *(\d+)/im.exec(lines)?.[1] ?? 0)
      if (received.length < bodyEnd) return
      const form = new URLSearchParams(received.subarray(headEnd + 4, bodyEnd).toString())
      received = received.subarray(bodyEnd)
      onForm({
        script: /^POST \/(\S+)/.exec(lines)?.[1] ?? '',
        action: form.get('action') ?? '',
        isLast: /^connection: *close/im.test(lines)
      })
    }
  })
}
