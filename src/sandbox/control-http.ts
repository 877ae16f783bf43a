import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Control } from './control.ts'
import { type Fault, type FaultKind, faultKinds } from './faults.ts'
import { readBody } from './form.ts'
import { clientAddressOf } from './scripts.ts'
import { maskSecrets } from './snapshot.ts'

type Body = Readonly<Record<string, unknown>>
type Operation = (control: Control, body: Body) => unknown

/** The control over HTTP: `METHOD /control/…` with JSON bodies. */
const operations: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['GET /control/', control => overview(control)],
  ['GET /control/demo', control => control.demo()],
  ['GET /control/state', control => maskSecrets(control.state())],
  ['GET /control/calls', control => control.calls()],
  ['DELETE /control/calls', control => control.clearCalls()],
  ['GET /control/counters', control => control.counters()],
  ['GET /control/faults', control => control.faults()],
  ['POST /control/faults', (control, body) => control.fault(faultOf(body))],
  ['DELETE /control/faults', control => control.clearFaults()],
  ['GET /control/behaviours', control => control.behaviours()],
  ['POST /control/behaviours', (control, body) => control.setBehaviours(body)],
  ['POST /control/reset', control => control.reset()],
  ['POST /control/clock', (control, body) => control.advance(numberIn(body, 'advanceSeconds'))],
  ['POST /control/sessions/expire', control => control.expireSessions()],
  ['POST /control/credit', (control, body) => control.setCredit(textIn(body, 'customer'), numberIn(body, 'cents'))],
  ['POST /control/files', (control, body) => control.putFile(textIn(body, 'bucket'), textIn(body, 'path'))]
])

/** What can be tried: the controls, the kinds of faults, the behaviours, and the customers with what they log in with. */
const overview = (control: Control): object => ({
  controls: [...operations.keys()],
  faults: faultKinds,
  behaviours: control.behaviours(),
  customers: control.state().customers.map(({ name, id, email, password, apiKeys, twoFactorCode, ...rest }) => ({
    name,
    id,
    email,
    password,
    apiKey: apiKeys[0]?.key,
    twoFactorCode,
    role: rest.role,
    servers: rest.servers.length,
    creditCents: rest.creditCents
  }))
})

/** A page whose name was made to point here sends that name: it must not control the sandbox. */
const OWN_HOST = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d+)?$/i

/** Handles a request to /control/. Accepts only clients on this machine that ask it by its own name, and no browser page (`Origin`). */
export const handleControl = async (
  control: Control,
  request: IncomingMessage,
  response: ServerResponse
): Promise<void> => {
  const reply = (status: number, value: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(`${JSON.stringify(value, null, 2)}\n`)
  }
  const { pathname } = new URL(request.url ?? '/', 'http://sandbox')
  const { origin, host = '' } = request.headers
  const isLocal = /^(127\.|::1$)/.test(clientAddressOf(request)) && origin === undefined && OWN_HOST.test(host)
  const operation = operations.get(`${request.method} ${pathname}`)
  const body = await readBody(request)
  if (!isLocal) return reply(403, { error: 'the control accepts only local programs' })
  if (!operation) return reply(404, { error: 'no such control', controls: [...operations.keys()] })
  try {
    reply(200, operation(control, parse(body.toString())) ?? { ok: true })
  } catch (error) {
    reply(400, { error: error instanceof Error ? error.message : String(error) })
  }
}

const parse = (text: string): Body => {
  const value: unknown = text === '' ? {} : JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new TypeError('the body is not a JSON object')
  return { ...value }
}

const textIn = (body: Body, name: string): string => {
  const value = body[name]
  if (typeof value !== 'string') throw new TypeError(`${name} is not a string`)
  return value
}

const numberIn = (body: Body, name: string): number => {
  const value = body[name]
  if (typeof value !== 'number') throw new TypeError(`${name} is not a number`)
  return value
}

const faultOf = (body: Body): Fault => ({
  // The cast is safe: `Faults.add` refuses unknown kinds.
  kind: textIn(body, 'kind') as FaultKind,
  ...('action' in body && { action: textIn(body, 'action') }),
  ...('text' in body && { text: textIn(body, 'text') }),
  ...('count' in body && { count: numberIn(body, 'count') }),
  ...('after' in body && { after: numberIn(body, 'after') }),
  ...('ms' in body && { ms: numberIn(body, 'ms') })
})
