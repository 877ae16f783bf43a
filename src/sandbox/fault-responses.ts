import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AfterKind, Fault, InsteadKind } from './faults.ts'
import { authFailure, type Reply, refused, said } from './reply.ts'
import { page, send, site, type Wired, wired } from './wire.ts'
import type { World } from './world.ts'

/** Larger than any answer a client should take: 8 MiB is the cap in the official client. */
const OVERSIZED_BYTES = 9 * 1024 * 1024

/** Answers in the place of the script. Nothing was applied. */
export const answerInstead = (kind: InsteadKind, fault: Fault, world: World, response: ServerResponse): void => {
  const reply = (answer: Reply) => send(response, wired(answer, world.switches))
  const actions: Readonly<Record<InsteadKind, () => void>> = {
    hang: () => undefined,
    'reset-before': () => reset(response),
    'empty-500': () => reply({ status: 500, text: '' }),
    'html-502': () => reply(page(502, '502 Bad Gateway')),
    'html-503': () => reply(page(503, '503 Service Temporarily Unavailable')),
    'html-504': () => reply(page(504, '504 Gateway Time-out')),
    throttled: () => reply(page(429, '429 Too Many Requests')),
    'throttled-retry-after': () =>
      reply(page(429, '429 Too Many Requests', { 'retry-after': String(Math.ceil((fault.ms ?? 1000) / 1000)) })),
    'empty-200': () => reply({ status: 200, text: '' }),
    'html-200': () => reply(site()),
    redirect: () => reply(page(302, '302 Found', { location: fault.text ?? 'https://elsewhere.example/s3.php' })),
    'auth-failure': () => reply(authFailure(world)),
    refusal: () => reply(refused(world, { text: fault.text ?? 'refused' })),
    'bare-error': () => reply(said({ result: 'error' }))
  }
  actions[kind]()
}

/**
 * Spoils the answer of a script.
 * @param run lets the script do its work, and gives what it would have answered.
 */
export const answerSpoiled = async (
  kind: AfterKind,
  fault: Fault,
  run: () => Wired,
  response: ServerResponse
): Promise<void> => {
  if (kind === 'late-apply') {
    reset(response)
    await sleep(fault.ms ?? 1000, undefined, { ref: false })
    run()
    return
  }
  spoil(kind, run(), response)
}

const spoil = (kind: Exclude<AfterKind, 'late-apply'>, answer: Wired, response: ServerResponse): void => {
  const { status, headers, body } = answer
  const half = body.subarray(0, Math.max(1, body.length >> 1))
  const beginBody = () => {
    response.writeHead(status, { ...headers, 'content-length': body.length })
    response.write(half)
  }
  const plain = (bytes: Buffer) => send(response, { status, headers, body: bytes })
  const actions: Readonly<Record<typeof kind, () => void>> = {
    'hang-after': () => undefined,
    'reset-after': () => reset(response),
    'reset-mid-body': () => {
      beginBody()
      setImmediate(() => reset(response))
    },
    'stall-mid-body': beginBody,
    'html-502-after': () => {
      const { text, headers: pageHeaders } = page(502, '502 Bad Gateway')
      send(response, { status: 502, headers: { ...pageHeaders }, body: Buffer.from(text ?? '') })
    },
    truncated: () => plain(half),
    warning: () => plain(Buffer.concat([Buffer.from(WARNING), body])),
    oversized: () =>
      plain(Buffer.concat([body.subarray(0, -1), Buffer.from(`,"padding":"${'x'.repeat(OVERSIZED_BYTES)}"}`)]))
  }
  actions[kind]()
}

const WARNING =
  '<br />\n<b>Warning</b>:  Undefined array key "location" in <b>/var/www/api/s3.php</b> on line <b>217</b><br />\n'

const reset = (response: ServerResponse) => response.socket?.resetAndDestroy()
