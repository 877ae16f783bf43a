import { TLSSocket } from 'node:tls'
import { buildConnector } from 'undici'

/** 500 ms: longer than a round trip. A server that accepts the client sends a session ticket by then, unless it sends none. */
const MAX_WAIT_MS = 500

class ClosedAfterHandshake extends Error {
  readonly code = 'CLOSED_AFTER_HANDSHAKE'
}

/**
 * Makes connections with a certificate of the gateway. In TLS 1.3 the client's handshake ends before the server has checked
 * the certificate: a connection counts as ready when the server has sent its session ticket and kept the connection open.
 */
export const createConnector = (options: buildConnector.BuildOptions): buildConnector.connector => {
  const connect = buildConnector(options)
  return (target, callback) =>
    connect(target, (...[error, socket]) => {
      if (error) return callback(error, null)
      // A server resumes a session only if it accepted the certificate before.
      const isReady = !(socket instanceof TLSSocket) || socket.getProtocol() !== 'TLSv1.3' || socket.isSessionReused()
      if (isReady) return callback(null, socket)
      const decide = () => {
        clearTimeout(timer)
        socket.off('session', onSession).off('readable', onReadable).off('close', decide)
        if (socket.destroyed) callback(socket.errored ?? new ClosedAfterHandshake(), null)
        else callback(null, socket)
      }
      // Refusals follow the ticket at once: they are read in the next turns of the event loop.
      const onSession = () => setImmediate(() => setImmediate(decide))
      const onReadable = () => {
        if (socket.readableLength === 0) socket.destroy()
      }
      const timer = setTimeout(decide, MAX_WAIT_MS)
      socket.once('session', onSession).on('readable', onReadable).once('close', decide)
    })
}
