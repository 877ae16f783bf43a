import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { handleAuth } from './auth.ts'
import { applyExecutedFault, applyUnexecutedFault } from './fault-responses.ts'
import { isUnexecuted } from './faults.ts'
import { readForm } from './form.ts'
import { type Fields, phpFields } from './php.ts'
import { applyVariants } from './php-variants.ts'
import type { Reply } from './reply.ts'
import type { Runtime } from './runtime.ts'
import { handleS3 } from './s3.ts'
import type { ScriptRequest } from './script-request.ts'
import type { State } from './state.ts'
import { handleCallback } from './tasks.ts'
import { encodeReply, send, webSite } from './wire.ts'

type Script = (state: State, request: ScriptRequest) => Reply

const scripts = new Map<string, Script>([
  ['s3.php', handleS3],
  ['auth.php', handleAuth],
  ['eq_callback.php', handleCallback]
])

/** Handles a request to a script: reads and logs it, applies the faults, runs the script. */
export const handleScript = async (
  runtime: Runtime,
  request: IncomingMessage,
  response: ServerResponse
): Promise<void> => {
  const url = new URL(request.url ?? '/', 'http://sandbox')
  const name = url.pathname.slice(1)
  const script = scripts.get(name)
  const form = await readForm(request)
  if (!script) return send(response, encodeReply(webSite(), runtime.state.behaviours))

  const { method = '' } = request
  const fields = name === 's3.php' ? form : withQuery(url, form)
  const { faults, log, state } = runtime
  log.record({ at: state.now(), script: name, method, fields, headers: request.headers })
  const { preliminary, main, variants } = faults.consume(fields.get('action') ?? '')
  for (const { kind, ms } of preliminary) {
    if (kind === 'expire-sessions') state.sessions.clear()
    else await sleep(ms ?? 1000, undefined, { ref: false })
  }

  const scriptRequest: ScriptRequest = { fields, ip: clientAddressOf(request), host: request.headers.host ?? '' }
  const run = () => {
    // Read the state again: the control may have reset it while the request waited.
    const { state } = runtime
    const reply = script(state, scriptRequest)
    return encodeReply(reply.json ? { ...reply, json: applyVariants(variants, reply.json) } : reply, state.behaviours)
  }
  if (!main) return send(response, run())
  if (isUnexecuted(main)) return applyUnexecutedFault(main, runtime.state, response)
  await applyExecutedFault(main, run, response)
}

/** Address of the client, without the IPv6 prefix of an IPv4 address. */
export const clientAddressOf = (request: IncomingMessage): string =>
  (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')

/** auth.php and eq_callback.php also read the query; a posted field takes precedence. */
const withQuery = (url: URL, posted: Fields): Fields => phpFields([...url.searchParams, ...posted])
