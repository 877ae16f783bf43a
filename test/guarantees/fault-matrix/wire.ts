import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'

/** The reply that a fault corrupts. */
export interface Spoiled {
  body: Buffer
  /** The request has `Connection: close`, so its reply has it too. */
  isLast: boolean
}

/** A fault on the wire. */
export type WireFault =
  | {
      at: 'accept'
      /** The request is read and counted. */
      isRead: boolean
      isExecuted: false
      apply(socket: Socket): void
    }
  | {
      at: 'request'
      /** HOSTKEY has executed the call, whatever it answers. */
      isExecuted: boolean
      apply(socket: Socket, spoiled: Spoiled): void
    }

const TEN_GB = 10_000_000_000
const MIB = 1024 * 1024

/** A slow body: longer than any test waits, and without a pause that a timer between two bytes would detect. */
const DRIP_MS = 20

const reasons: Record<number, string> = {
  101: 'Switching Protocols',
  103: 'Early Hints',
  200: 'OK',
  204: 'No Content',
  302: 'Found',
  500: 'Internal Server Error'
}

/** A head as PHP behind nginx sends it. */
export const head = (
  status: number,
  { length, closes = false, fields = [] }: { length?: number; closes?: boolean; fields?: string[] }
): Buffer => {
  const lines = [
    `HTTP/1.1 ${status} ${reasons[status]}`,
    'Server: nginx',
    'Content-Type: text/html; charset=UTF-8',
    ...(length === undefined ? [] : [`Content-Length: ${length}`]),
    ...(closes ? ['Connection: close'] : []),
    ...fields
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
}

const whole = ({ body, isLast }: Spoiled, status = 200, fields: string[] = []) =>
  Buffer.concat([head(status, { length: body.length, closes: isLast, fields }), body])

const half = (body: Buffer) => body.subarray(0, body.length >> 1)

const page = (title: string) => Buffer.from(`<html><head><title>${title}</title></head><body>${title}</body></html>`)

/** Writes the same data until the connection closes. */
const drip = (socket: Socket, bytes: string) => {
  const timer = setInterval(() => socket.write(bytes), DRIP_MS)
  socket.on('close', () => clearInterval(timer))
}

/** Writes as fast as the client reads. */
const pour = (socket: Socket, chunk: Buffer, times: number) => {
  let left = times
  const on = () => {
    while (left > 0 && !socket.destroyed) {
      left -= 1
      if (!socket.write(chunk)) break
    }
    if (left === 0) socket.end()
  }
  socket.on('drain', on)
  on()
}

/** Answers, and closes the connection if the request has `Connection: close`. */
const answer = (socket: Socket, bytes: Buffer, { isLast }: Spoiled) => {
  socket.write(bytes)
  if (isLast) socket.end()
}

const onRequest = (isExecuted: boolean, apply: (socket: Socket, spoiled: Spoiled) => void): WireFault => ({
  at: 'request',
  isExecuted,
  apply
})

/** 48 KB that decompress to 50 MB. */
const bomb = gzipSync(Buffer.alloc(50 * MIB, ' '))

/** The faults on the wire. The part of the reply that is sent is a success: a reader that stops early would believe it. */
export const wireFaults = {
  ok: onRequest(true, (socket, spoiled) => answer(socket, whole(spoiled), spoiled)),
  'accept, FIN': { at: 'accept', isRead: true, isExecuted: false, apply: socket => socket.end() },
  'accept, RST': { at: 'accept', isRead: false, isExecuted: false, apply: socket => socket.resetAndDestroy() },
  'read, RST': onRequest(false, socket => socket.resetAndDestroy()),
  'execute, RST': onRequest(true, socket => socket.resetAndDestroy()),
  silent: onRequest(false, () => undefined),
  'header drip': onRequest(false, socket => {
    socket.write('HTTP/1.1 200 OK\r\nX-Drip: ')
    drip(socket, 'x')
  }),
  'body stall': onRequest(true, (socket, { body, isLast }) => {
    socket.write(Buffer.concat([head(200, { length: body.length, closes: isLast }), half(body)]))
  }),
  'truncated length': onRequest(true, (socket, { body }) => {
    socket.end(Buffer.concat([head(200, { length: body.length }), half(body)]))
  }),
  'truncated chunk': onRequest(true, (socket, { body }) => {
    const chunked = head(200, { fields: ['Transfer-Encoding: chunked'] })
    socket.end(Buffer.concat([chunked, Buffer.from(`${body.length.toString(16)}\r\n`), half(body)]))
  }),
  'body drip': onRequest(true, (socket, { body }) => {
    socket.write(Buffer.concat([head(200, { fields: ['Transfer-Encoding: chunked'] }), chunkOf(half(body))]))
    drip(socket, '1\r\n \r\n')
  }),
  '64 MiB': onRequest(true, (socket, { body }) => {
    socket.write(head(200, { length: body.length + 64 * MIB }))
    socket.write(body)
    pour(socket, Buffer.alloc(MIB / 4, ' '), 256)
  }),
  'length 10 GB': onRequest(true, (socket, { body }) => {
    socket.write(Buffer.concat([head(200, { length: TEN_GB }), body]))
  }),
  '20 KB header': onRequest(true, (socket, spoiled) =>
    answer(socket, whole(spoiled, 200, [`X-Long: ${'x'.repeat(20 * 1024)}`]), spoiled)
  ),
  'gzip bomb': onRequest(true, (socket, spoiled) =>
    answer(socket, whole({ ...spoiled, body: bomb }, 200, ['Content-Encoding: gzip']), spoiled)
  ),
  '302 to the metadata service': onRequest(false, (socket, spoiled) => {
    const fields = ['Location: http://169.254.169.254/latest/meta-data/']
    answer(socket, whole({ ...spoiled, body: page('302 Found') }, 302, fields), spoiled)
  }),
  '500 HTML': onRequest(false, (socket, spoiled) =>
    answer(socket, whole({ ...spoiled, body: page('500 Internal Server Error') }, 500), spoiled)
  ),
  '200 HTML': onRequest(false, (socket, spoiled) =>
    answer(socket, whole({ ...spoiled, body: page('HOSTKEY') }), spoiled)
  ),
  'not HTTP': onRequest(false, socket => socket.end('SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n')),
  'length and chunked': onRequest(true, (socket, spoiled) => {
    const { body, isLast } = spoiled
    const both = head(200, { length: body.length, closes: isLast, fields: ['Transfer-Encoding: chunked'] })
    answer(socket, Buffer.concat([both, chunkOf(body), Buffer.from('0\r\n\r\n')]), spoiled)
  }),
  '1xx flood': onRequest(false, socket => {
    drip(socket, 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n'.repeat(20))
  }),
  '101': onRequest(false, socket => socket.write(head(101, { fields: ['Connection: Upgrade', 'Upgrade: websocket'] }))),
  '204': onRequest(false, (socket, spoiled) => answer(socket, head(204, { closes: spoiled.isLast }), spoiled)),
  'two replies': onRequest(true, (socket, spoiled) => {
    const other = Buffer.from('{"code":-1,"message":"the reply to another caller"}')
    answer(socket, Buffer.concat([whole(spoiled), whole({ ...spoiled, body: other })]), spoiled)
  })
} as const satisfies Record<string, WireFault>

export type WireName = keyof typeof wireFaults

function chunkOf(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}
