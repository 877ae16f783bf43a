/**
 * How long a counter waits. A rate limit is not worth more: the process counts alone instead. What else needs the store
 * waits for `timeoutMs`, because without an answer it fails.
 */
export const COUNTER_MS = 50

/** Time-out of an examination: no request waits for it, and a slow one must not look like an outage. */
export const EXAMINE_MS = 2000

/**
 * Time-out of an attempt to connect, and the pause before the next one; the first one follows at once. When packets are
 * lost, the operating system retries only after 1 s, and later each time. Together they leave 150 ms of the 500 ms that a
 * recovery may take.
 */
export const CONNECT_MS = 200
/** With the handshake of TLS, on a busy machine. */
export const CONNECT_TLS_MS = 2000

/**
 * A connection without a reply for this long is replaced, if that is longer than a time-out. When a firewall has dropped
 * its state, neither side is notified, and the operating system retransmits for about 15 minutes.
 */
export const SOCKET_TIMEOUT_MS = 400

class TimedOut extends Error {}

/** A counter has not waited for its answer. */
export class SlowCounter extends TimedOut {}

/**
 * The option `commandTimeout` of ioredis also fires when this process was busy meanwhile. Here a reply that has arrived
 * by then is read first.
 */
export const withTimeout = <T>(command: () => Promise<T>, ms: number, Failure = TimedOut): Promise<T> =>
  new Promise((resolve, reject) => {
    const giveUp = () => reject(new Failure(`no reply within ${ms} ms`))
    const timer = setTimeout(() => setImmediate(giveUp), ms)
    command()
      .finally(() => clearTimeout(timer))
      .then(resolve, reject)
  })
