import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** What the gateway answers: the body of a success, or a problem (RFC 9457). */
interface Reply {
  status: number
  headers: Headers
  body: { items?: { s3uid: string }[]; s3uid?: string; orderId?: string } & Partial<Problem>
}

interface Problem {
  type: string
  title: string
  detail: string
  instance: string
  retryable: boolean
  outcome: string
}

/** An order as this service remembers it: from before it was sent until long after. */
interface Kept {
  idempotencyKey: string
  body: { planId: number; bucketName: string }
  s3uid?: string
}

const { GATEWAY = 'http://127.0.0.1:8080', SERVICE_SECRET = '', ORDER_FILE = 'order.json' } = process.env

/** 90 s: longer than the gateway waits for HOSTKEY. */
const TIMEOUT_MS = 90_000

/** 10 min: after 30 s by default the gateway knows what became of an order whose answer was lost. */
const DEADLINE_MS = 600_000

const MOST_WAIT_SECONDS = 30

const send = async (method: string, path: string, headers: Record<string, string> = {}, body?: object) => {
  const response = await fetch(`${GATEWAY}${path}`, {
    method,
    headers: { authorization: `Bearer ${SERVICE_SECRET}`, 'content-type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS)
  })
  // The shapes are those of openapi.yaml.
  return { status: response.status, headers: response.headers, body: (await response.json()) as Reply['body'] }
}

const nameOf = ({ body }: Reply) => body.type?.split('/').at(-1)

/** What the scopes permit: an operator grants them, and takes them away, while the service runs. */
const showAccounts = async () => {
  const reply = await send('GET', '/accounts')
  if (reply.status === 200) console.log(`Accounts: ${reply.body.items?.map(({ s3uid }) => s3uid).join(', ')}`)
  else if (nameOf(reply) === 'insufficient-scope') console.log(`Accounts: refused, ${reply.body.detail}`)
  else throw new Error(inWords(reply))
}

/** Written in one go, so that a crash leaves the old file or the new one. */
const keep = (order: Kept): Kept => {
  writeFileSync(`${ORDER_FILE}.new`, `${JSON.stringify(order, null, 2)}\n`)
  renameSync(`${ORDER_FILE}.new`, ORDER_FILE)
  return order
}

/** The order that was begun; a new one, with a key of its own, only where there is none. */
const orderToPlace = (): Kept => {
  if (existsSync(ORDER_FILE)) return JSON.parse(readFileSync(ORDER_FILE, 'utf8'))
  const { PLAN = '2', NEW_BUCKET = `shop-${Date.now()}` } = process.env
  return keep({ idempotencyKey: randomUUID(), body: { planId: Number(PLAN), bucketName: NEW_BUCKET } })
}

/**
 * Sends the same request with the same key until somebody knows the outcome. However often this runs, and wherever it
 * was killed, HOSTKEY gets one order.
 * @throws Error when the order is refused, or nobody knows after `DEADLINE_MS`: then start again, with the file
 */
const place = async (order: Kept): Promise<string> => {
  const { idempotencyKey, body } = order
  const endsAt = Date.now() + DEADLINE_MS
  for (let attempt = 1; Date.now() < endsAt; attempt++) {
    const reply = await send('POST', '/orders', { 'idempotency-key': idempotencyKey }, body).catch(
      // The network failed, or time ran out: nobody knows, and the key makes it safe to ask again.
      error => console.log(`Attempt ${attempt}: ${error.message}`)
    )
    if (reply) {
      const isReplayed = reply.headers.get('idempotency-replayed') === 'true'
      console.log(`Attempt ${attempt}: ${reply.status} ${nameOf(reply) ?? ''}${isReplayed ? '(replayed)' : ''}`.trim())
      if (reply.status === 201 && reply.body.s3uid) return reply.body.s3uid
      if (!mayHelp(reply)) throw new Error(inWords(reply))
    }
    const seconds = Number(reply?.headers.get('retry-after')) || Math.min(2 ** (attempt - 1), MOST_WAIT_SECONDS)
    await pause(seconds * 1000)
  }
  throw new Error('Nobody knows yet what became of the order. Start again: the key is kept.')
}

/** 202: the gateway looks when it is asked again. A recorded failure stays what it is. */
const mayHelp = ({ status, headers, body }: Reply) =>
  status === 202 ||
  (headers.get('idempotency-replayed') !== 'true' && (body.retryable === true || body.outcome === 'unknown'))

const inWords = (reply: Reply): string =>
  `${reply.body.title}: ${reply.body.detail} (${nameOf(reply)}, request ${reply.body.instance})`

try {
  if (SERVICE_SECRET === '') throw new Error('Set SERVICE_SECRET to the credential that service:new has printed.')
  await showAccounts()
  const order = orderToPlace()
  const s3uid = await place(order)
  keep({ ...order, s3uid })
  console.log(`Ordered: ${s3uid}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
