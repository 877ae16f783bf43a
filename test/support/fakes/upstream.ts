import { createServer } from 'node:http'
import { createUpstream } from '../../../src/upstream/client.ts'
import type { Drift } from '../../../src/upstream/protocol/verdict.ts'
import type { Lifetime } from '../harness/lifetime.ts'
import { listening } from '../harness/serving.ts'

/** The fields of a call, without the token that each call to s3.php has. */
export type Sent = Record<string, string>

/** No answer: the call waits until its caller aborts. */
export const SILENCE = Symbol('silence')

/** The members of a success or the text of a refusal; undefined sends a body that is no JSON, null closes the connection. */
export type Answer = object | string | undefined | null | typeof SILENCE

/**
 * A fake HOSTKEY with answers that the sandbox never gives, and a client that calls it.
 * @param answers by action: each is called with the fields that were sent; or one function for all actions
 */
export const fakeUpstream = async (
  t: Lifetime,
  answers: Record<string, (sent: Sent) => Answer> | ((sent: Sent) => Answer)
) => {
  const calls: Sent[] = []
  const tokens: string[] = []
  const waiting = new Map<string, number>()
  const count = (action: string, change: number) => waiting.set(action, (waiting.get(action) ?? 0) + change)
  const server = createServer(async (request, response) => {
    let form = ''
    for await (const chunk of request) form += chunk
    const fields: Sent = Object.fromEntries(new URLSearchParams(form))
    const { token, ...rest } = fields
    const sent = request.url === '/s3.php' ? rest : fields
    if (request.url === '/s3.php') tokens.push(token ?? '')
    calls.push(sent)
    const action = sent['action'] ?? ''
    const answer = typeof answers === 'function' ? answers(fields) : answers[action]?.(sent)
    count(action, 1)
    response.once('close', () => count(action, -1))
    response.shouldKeepAlive = server.listening
    if (answer === SILENCE) return
    if (answer === null) response.destroy()
    else if (answer === undefined) response.end('nonsense')
    else if (typeof answer === 'string') response.end(JSON.stringify({ code: -1, message: answer }))
    else response.end(JSON.stringify({ result: 'OK', ...(answer as object) }))
  })
  const url = `http://127.0.0.1:${await listening(server)}`
  const upstream = clientOf(t, url)
  /** Accepts no more connections, and ends each after its reply. */
  const close = () => server.close()
  t.after(async () => {
    server.closeAllConnections()
    close()
  })
  return {
    url,
    upstream,
    calls,
    /** The token of each call to s3.php. */
    tokens,
    /** Calls of an action that still wait for their answer; undefined when there was none. */
    waiting: (action: string): number | undefined => waiting.get(action),
    close
  }
}

/** A client of HOSTKEY without a gateway around it. */
export const clientOf = (t: Lifetime, url: string, onDrift: (drift: Drift) => void = () => undefined) => {
  const upstream = createUpstream({
    url: new URL(url),
    timeoutMs: 2000,
    observe: () => undefined,
    onCircuitStateChange: () => undefined,
    onDrift
  })
  t.after(() => upstream.close())
  return upstream
}
