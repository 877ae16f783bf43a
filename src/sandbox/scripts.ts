import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerAuth } from './auth.ts'
import { answerCallback } from './callback.ts'
import { answerInstead, answerSpoiled } from './fault-responses.ts'
import { isInstead } from './faults.ts'
import { postedFields } from './form.ts'
import { type Fields, phpFields } from './php.ts'
import { printedWith } from './php-variants.ts'
import type { Reply } from './reply.ts'
import type { Runtime } from './runtime.ts'
import { type Asked, answerS3 } from './s3.ts'
import { send, site, wired } from './wire.ts'
import type { World } from './world.ts'

type Script = (world: World, asked: Asked) => Reply

const scripts = new Map<string, Script>([
  ['s3.php', answerS3],
  ['auth.php', answerAuth],
  ['eq_callback.php', answerCallback]
])

/** Answers a request to a script: reads it, logs it, lets the faults strike, and then asks the script. */
export const answerScript = async (
  runtime: Runtime,
  request: IncomingMessage,
  response: ServerResponse
): Promise<void> => {
  const url = new URL(request.url ?? '/', 'http://sandbox')
  const name = url.pathname.slice(1)
  const script = scripts.get(name)
  const posted = await postedFields(request)
  if (!script) return send(response, wired(site(), runtime.world.switches))

  const { method = '' } = request
  const fields = name === 's3.php' ? posted : withQuery(url, posted)
  const { faults, log, world } = runtime
  log.record({ at: world.now(), script: name, method, fields, headers: request.headers })
  const { openings, main, quirks } = faults.strike(fields.get('action') ?? '')
  for (const { kind, ms } of openings) {
    if (kind === 'expire-sessions') world.sessions.clear()
    else await sleep(ms ?? 1000, undefined, { ref: false })
  }

  const asked: Asked = { fields, ip: addressOf(request), host: request.headers.host ?? '' }
  const run = () => {
    // The world of now: a control may have reset it while the request waited.
    const { world } = runtime
    const reply = script(world, asked)
    return wired(reply.json ? { ...reply, json: printedWith(quirks, reply.json) } : reply, world.switches)
  }
  if (!main) return send(response, run())
  if (isInstead(main.kind)) return answerInstead(main.kind, main, runtime.world, response)
  await answerSpoiled(main.kind, main, run, response)
}

/** Who asks, without the mark of an IPv4 address in IPv6. */
export const addressOf = (request: IncomingMessage): string =>
  (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')

/** auth.php and eq_callback.php also read the query; what was posted wins. */
const withQuery = (url: URL, posted: Fields): Fields => phpFields([...url.searchParams, ...posted])
