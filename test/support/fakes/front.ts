import { createServer, type ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import type { Lifetime } from '../harness/lifetime.ts'
import { listening } from '../harness/serving.ts'

/** What the front does with a call: an answer of its own, silence, a reset, a pause, or something else. */
export type Treatment =
  | { status: number; body: string; headers?: Record<string, string> }
  | { delayMs: number }
  | 'silence'
  | 'reset'
  | ((response: ServerResponse) => void)
  | undefined

/**
 * A front of HOSTKEY that treats the calls of some callers in its own way and passes all others on.
 * @param treat called with the fields of each call
 * @returns its address
 */
export const frontOf = async (
  t: Lifetime,
  upstreamUrl: string,
  treat: (fields: Record<string, string | undefined>) => Treatment | Promise<Treatment>
): Promise<string> => {
  const server = createServer(async (incoming, response) => {
    let form = ''
    for await (const chunk of incoming) form += chunk
    const treatment = await treat(Object.fromEntries(new URLSearchParams(form)))
    if (treatment === 'silence') return
    if (treatment === 'reset') return void incoming.socket.resetAndDestroy()
    if (typeof treatment === 'function') return treatment(response)
    if (treatment && 'status' in treatment) {
      response.writeHead(treatment.status, { 'content-type': 'text/html', ...treatment.headers }).end(treatment.body)
      return
    }
    if (treatment) await pause(treatment.delayMs)
    await passOn(new URL(incoming.url ?? '', upstreamUrl), form, response)
  })
  t.after(async () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${await listening(server)}/`
}

const passOn = async (url: URL, form: string, response: ServerResponse) => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await request(url, { method: 'POST', headers, body: form }).catch(() => undefined)
  if (answer === undefined) response.destroy()
  else response.writeHead(answer.statusCode).end(await answer.body.text())
}
