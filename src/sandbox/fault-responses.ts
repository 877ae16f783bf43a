import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutedFault, UnexecutedFault } from './faults.ts'
import { authFailureReply, jsonReply, type Reply, refusalReply } from './reply.ts'
import type { State } from './state.ts'
import { type EncodedReply, encodeReply, htmlPage, send, webSite } from './wire.ts'

/** 9 MiB: above the 8 MiB that the official client accepts. */
const OVERSIZED_BYTES = 9 * 1024 * 1024

/** Responds in place of the script, which does not run. */
export const applyUnexecutedFault = (
  { kind, text, ms = 1000 }: UnexecutedFault,
  state: State,
  response: ServerResponse
): void => {
  const reply = (reply: Reply) => send(response, encodeReply(reply, state.behaviours))
  const responses: Readonly<Record<typeof kind, () => void>> = {
    hang: () => undefined,
    'reset-before': () => reset(response),
    'empty-500': () => reply({ status: 500, text: '' }),
    'html-502': () => reply(htmlPage(502, '502 Bad Gateway')),
    'html-503': () => reply(htmlPage(503, '503 Service Temporarily Unavailable')),
    'html-504': () => reply(htmlPage(504, '504 Gateway Time-out')),
    throttled: () => reply(htmlPage(429, '429 Too Many Requests')),
    'throttled-retry-after': () =>
      reply(htmlPage(429, '429 Too Many Requests', { 'retry-after': String(Math.ceil(ms / 1000)) })),
    'empty-200': () => reply({ status: 200, text: '' }),
    'html-200': () => reply(webSite()),
    redirect: () => reply(htmlPage(302, '302 Found', { location: text ?? 'https://elsewhere.example/s3.php' })),
    'auth-failure': () => reply(authFailureReply(state)),
    refusal: () => reply(refusalReply(state, { text: text ?? 'refused' })),
    'bare-error': () => reply(jsonReply({ result: 'error' }))
  }
  responses[kind]()
}

/**
 * Runs the script, and loses or corrupts its response.
 * @param run runs the script and returns its reply
 */
export const applyExecutedFault = async (
  { kind, ms = 1000 }: ExecutedFault,
  run: () => EncodedReply,
  response: ServerResponse
): Promise<void> => {
  if (kind === 'late-execution') {
    reset(response)
    await sleep(ms, undefined, { ref: false })
    run()
    return
  }
  const { status, headers, body } = run()
  const half = body.subarray(0, Math.max(1, body.length >> 1))
  const sendHalf = () => {
    response.writeHead(status, { ...headers, 'content-length': body.length })
    response.write(half)
  }
  const sendBody = (bytes: Buffer) => send(response, { status, headers, body: bytes })
  const responses: Readonly<Record<typeof kind, () => void>> = {
    'hang-after': () => undefined,
    'reset-after': () => reset(response),
    'reset-mid-body': () => {
      sendHalf()
      setImmediate(() => reset(response))
    },
    'stall-mid-body': sendHalf,
    'html-502-after': () => {
      const { text, headers: pageHeaders } = htmlPage(502, '502 Bad Gateway')
      send(response, { status: 502, headers: { ...pageHeaders }, body: Buffer.from(text ?? '') })
    },
    truncated: () => sendBody(half),
    warning: () => sendBody(Buffer.concat([Buffer.from(PHP_WARNING), body])),
    oversized: () =>
      sendBody(Buffer.concat([body.subarray(0, -1), Buffer.from(`,"padding":"${'x'.repeat(OVERSIZED_BYTES)}"}`)]))
  }
  responses[kind]()
}

const PHP_WARNING =
  '<br />\n<b>Warning</b>:  Undefined array key "location" in <b>/var/www/api/s3.php</b> on line <b>217</b><br />\n'

const reset = (response: ServerResponse) => response.socket?.resetAndDestroy()
