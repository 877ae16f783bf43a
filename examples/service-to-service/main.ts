import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** A reply of the gateway: a success or a problem (RFC 9457). */
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

/** An order as this service stores it: written before it is sent. */
interface StoredOrder {
  idempotencyKey: string
  body: { planId: number; bucketName: string }
  s3uid?: string
}

const { GATEWAY = 'http://127.0.0.1:8080', SERVICE_SECRET = '', ORDER_FILE = 'order.json' } = process.env

/** 90 s: longer than the gateway waits for HOSTKEY. */
const TIMEOUT_MS = 90_000

/** 10 min: when the answer of HOSTKEY is lost, the gateway decides the outcome after 30 s by default. */
const DEADLINE_MS = 600_000

const MAX_WAIT_SECONDS = 30

const send = async (method: string, path: string, headers: Record<string, string> = {}, body?: object) => {
  const response = await fetch(`${GATEWAY}${path}`, {
    method,
    headers: { authorization: `Bearer ${SERVICE_SECRET}`, 'content-type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS)
  })
  // A cast: openapi.yaml defines these types.
  return { status: response.status, headers: response.headers, body: (await response.json()) as Reply['body'] }
}

const nameOf = ({ body }: Reply) => body.type?.split('/').at(-1)

/** Needs the scope accounts:read. An operator can grant and revoke scopes while the service runs. */
const showAccounts = async () => {
  const reply = await send('GET', '/accounts')
  if (reply.status === 200) console.log(`Accounts: ${reply.body.items?.map(({ s3uid }) => s3uid).join(', ')}`)
  else if (nameOf(reply) === 'insufficient-scope') console.log(`Accounts: refused, ${reply.body.detail}`)
  else throw new Error(describe(reply))
}

/** Writes the file atomically: a crash leaves the old file or the new one. */
const store = (order: StoredOrder): StoredOrder => {
  writeFileSync(`${ORDER_FILE}.new`, `${JSON.stringify(order, null, 2)}\n`)
  renameSync(`${ORDER_FILE}.new`, ORDER_FILE)
  return order
}

/** The stored order, else a new one with a new key. */
const orderToPlace = (): StoredOrder => {
  if (existsSync(ORDER_FILE)) return JSON.parse(readFileSync(ORDER_FILE, 'utf8'))
  const { PLAN = '2', NEW_BUCKET = `shop-${Date.now()}` } = process.env
  return store({ idempotencyKey: randomUUID(), body: { planId: Number(PLAN), bucketName: NEW_BUCKET } })
}

/**
 * Repeats the same request with the same key until the outcome is known. HOSTKEY gets one order, even when this program
 * is killed and started again.
 * @throws Error when the order is refused, or its outcome is unknown after `DEADLINE_MS`: then run it again
 */
const place = async (order: StoredOrder): Promise<string> => {
  const { idempotencyKey, body } = order
  const endsAt = Date.now() + DEADLINE_MS
  for (let attempt = 1; Date.now() < endsAt; attempt++) {
    const reply = await send('POST', '/orders', { 'idempotency-key': idempotencyKey }, body).catch(
      // Network failure or timeout: the outcome is unknown, and the key makes a repetition safe.
      error => console.log(`Attempt ${attempt}: ${error.message}`)
    )
    if (reply) {
      const isReplayed = reply.headers.get('idempotency-replayed') === 'true'
      console.log(`Attempt ${attempt}: ${reply.status} ${nameOf(reply) ?? ''}${isReplayed ? '(replayed)' : ''}`.trim())
      if (reply.status === 201 && reply.body.s3uid) return reply.body.s3uid
      if (!isRetryable(reply)) throw new Error(describe(reply))
    }
    const seconds = Number(reply?.headers.get('retry-after')) || Math.min(2 ** (attempt - 1), MAX_WAIT_SECONDS)
    await pause(seconds * 1000)
  }
  throw new Error('The outcome of the order is not known yet. Run the program again: the key is stored.')
}

/** 202: a repetition makes the gateway check at HOSTKEY. A recorded failure never changes. */
const isRetryable = ({ status, headers, body }: Reply) =>
  status === 202 ||
  (headers.get('idempotency-replayed') !== 'true' && (body.retryable === true || body.outcome === 'unknown'))

const describe = (reply: Reply): string =>
  `${reply.body.title}: ${reply.body.detail} (${nameOf(reply)}, request ${reply.body.instance})`

try {
  if (SERVICE_SECRET === '') throw new Error('Set SERVICE_SECRET to the credential that service:new printed.')
  await showAccounts()
  const order = orderToPlace()
  const s3uid = await place(order)
  store({ ...order, s3uid })
  console.log(`Ordered: ${s3uid}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
