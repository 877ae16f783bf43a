import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { ProblemName } from '../../../../schemas/problems.ts'
import type { Sandbox } from '../../../../src/sandbox/index.ts'
import { type DescribedProblem, type Given, type Operation, requestOf } from '../../../support/assert/document.ts'
import { freshToken } from '../../../support/harness/fresh-token.ts'
import { type Gateway, gateway, type Reply } from '../../../support/harness/gateway.ts'
import { createRawClient } from '../../../support/harness/raw.ts'

/** An operation, and one of the problems that it can answer. */
export interface Pair {
  operation: Operation
  name: ProblemName
  example: DescribedProblem['value']
}

/** The environment of the provocations. */
export interface Stage {
  t: Test
  /** A gateway shared by all provocations without lasting effect; its sandbox is in its initial state. */
  plain: Gateway
}

/** Provokes the problem at one operation. */
export type Provoke = (pair: Pair) => Promise<Reply>

/** How a problem is provoked: preparation once, then a request for each operation. */
export type Provocation = (stage: Stage, pairs: readonly Pair[]) => Promise<Provoke>

export type Provocations = Partial<Record<ProblemName, Provocation>>

/** The differences between a request and the example of its operation. */
export interface Change {
  /** By the names of the document: path, query and header. */
  parameters?: Given
  /** Query parameters that the document does not have. */
  query?: Record<string, string>
  headers?: Record<string, string>
  body?: unknown
  /** Null: no token. */
  token?: string | null
  /** Changes the target. */
  target?: (path: string) => string
}

/** The address in the document's examples. */
export const PUBLIC_URL = 'https://s3.example.com/'

/** A gateway of the document's address, with the order that the examples look up. */
export const documentedGateway = (
  t: Test,
  env: Record<string, string> = {},
  options: Parameters<typeof gateway>[2] = {}
) => gateway(t, { PUBLIC_URL, ...env }, { isEphemeral: true, ...options })

/** The example request of an operation, changed; with a new order key and a new token each. */
export const changedRequest = async ({ operation }: Pair, change: Change, sandbox: Sandbox) => {
  const { parameters = {}, query = {}, headers = {}, token, target = path => path } = change
  const isKeyed = operation.parameters?.some(({ name }) => name === 'idempotency-key')
  const request = requestOf(operation, { ...(isKeyed && { 'idempotency-key': randomUUID() }), ...parameters })
  const more = new URLSearchParams(query)
  const path = more.size > 0 ? `${request.path}${request.path.includes('?') ? '&' : '?'}${more}` : request.path
  const isOpen = operation.security.length === 0
  return {
    method: operation.method,
    path: target(path),
    headers: { ...request.headers, ...headers },
    body: 'body' in change ? change.body : request.body,
    token: token !== undefined ? token : isOpen ? null : await freshToken(sandbox)
  }
}

/** Sends the example request of an operation with a change. */
export const sendChanged = async ({ send, sandbox }: Gateway, pair: Pair, change: Change = {}): Promise<Reply> => {
  const { method, path, headers, body, token } = await changedRequest(pair, change, sandbox)
  return send(method, path, { token, headers, ...(body !== undefined && { body }) })
}

/** Sends the same request byte for byte, also where a client would normalise it. */
export const sendRaw = async ({ url, sandbox }: Gateway, pair: Pair, change: Change): Promise<Reply> => {
  const { method, path, headers, body, token } = await changedRequest(pair, change, sandbox)
  const client = createRawClient(url)
  const credential: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
  const { pathname } = new URL(url)
  const line = `${method} ${pathname.replace(/\/$/, '')}${path} HTTP/1.1`
  return client
    .send(line, { ...credential, ...headers }, body === undefined ? '' : JSON.stringify(body))
    .finally(() => client.close())
}

/** A request without lasting effect, to the shared gateway. */
export const byRequest =
  (change: (pair: Pair, stage: Stage) => Change): Provocation =>
  async stage =>
  pair =>
    sendChanged(stage.plain, pair, change(pair, stage))

/** Runs what was prepared for each pair. */
export const prepared =
  (ready: ReadonlyMap<Pair, () => Promise<Reply>>): Provoke =>
  async pair => {
    const act = ready.get(pair)
    if (!act) throw new TypeError(`nothing is prepared for ${pair.name}`)
    return act()
  }

/** Is this the parameter of the operation, and where? */
export const placeOf = ({ operation }: Pair, name: string) =>
  operation.parameters?.find(parameter => parameter.name === name)?.in

/** The body of the example request with some members changed. */
export const bodyWith = ({ operation }: Pair, members: object): object => ({
  ...(requestOf(operation).body as object),
  ...members
})
