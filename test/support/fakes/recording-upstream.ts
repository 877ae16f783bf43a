import { createServer } from 'node:http'
import { createUpstream } from '../../../src/upstream/client.ts'
import type { Lifetime } from '../harness/lifetime.ts'
import { listening } from '../harness/serving.ts'

/** One call as it was sent: the fields of its form, without the token that comes with each call to s3.php. */
export type Sent = Record<string, string>

/** What an action answers: a payload, under `result: OK`; a text, which refuses; undefined is nonsense, null hangs up. */
export type Told = object | string | undefined | null

/**
 * A HOSTKEY that answers each action as it is told, and the client in front of it: for answers that the sandbox, which
 * keeps its own books, never gives. An answer is a function of what was sent.
 */
export const recordingUpstream = async (t: Lifetime, answers: Record<string, (sent: Sent) => Told>) => {
  const calls: Sent[] = []
  /** The token of each call to s3.php. */
  const tokens: string[] = []
  const server = createServer(async (request, response) => {
    let form = ''
    for await (const chunk of request) form += chunk
    const fields: Sent = Object.fromEntries(new URLSearchParams(form))
    const { token, ...rest } = fields
    const sent = request.url === '/s3.php' ? rest : fields
    if (request.url === '/s3.php') tokens.push(token ?? '')
    calls.push(sent)
    const told = answers[sent['action'] ?? '']?.(sent)
    if (told === null) response.destroy()
    else if (told === undefined) response.end('nonsense')
    else if (typeof told === 'string') response.end(JSON.stringify({ code: -1, message: told }))
    else response.end(JSON.stringify({ result: 'OK', ...told }))
  })
  const port = await listening(server)
  const upstream = createUpstream({
    url: new URL(`http://127.0.0.1:${port}`),
    timeoutMs: 2000,
    observe: () => undefined,
    onCircuitStateChange: () => undefined
  })
  /** Takes no more connections. */
  const close = () => server.close()
  t.after(async () => {
    await upstream.close()
    server.closeAllConnections()
    close()
  })
  return { upstream, calls, tokens, close }
}
