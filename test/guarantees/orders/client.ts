import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'

/** An account to order. */
export interface OrderIntent {
  customer: string
  token: string
  bucketName: string
  /** Is the bucket name taken, so that HOSTKEY creates the account and reports an error? */
  isTaken: boolean
}

export interface KnownOutcome {
  intent: OrderIntent
  /** Undefined when the client gave up before the outcome was known. */
  s3uid: string | undefined
  /** The body of the 201, which must be the same for all requests with the key; otherwise the last reply. */
  text: string
  key: string
  keys: number
  ms: number
}

/** A client gives up after this time. */
const PATIENCE_MS = 25_000

const backoff = () => pause(30 + Math.random() * 120)

/** A careful client: it repeats the key until it knows the outcome, and takes a new key only after "not applied". */
export const orderUntilKnown = async (
  intent: OrderIntent,
  firstKey: string,
  urls: () => string[]
): Promise<KnownOutcome> => {
  const startedAt = performance.now()
  const authorization = `Bearer ${intent.token}`
  let key = firstKey
  let keys = 1
  const outcome = (s3uid: string | undefined, text = ''): KnownOutcome => ({
    intent,
    s3uid,
    text,
    key,
    keys,
    ms: performance.now() - startedAt
  })
  let last = ''
  while (performance.now() - startedAt < PATIENCE_MS) {
    const reply = await ask(urls, 'POST', '/orders', {
      headers: { authorization, 'idempotency-key': key, 'content-type': 'application/json' },
      body: JSON.stringify({ planId: 2, bucketName: intent.bucketName })
    })
    last = reply?.text ?? 'no reply'
    if (reply?.status === 201) return outcome(reply.json.s3uid, reply.text)
    const name = String(reply?.json.type ?? '').split('/problems/')[1]
    if (name === 'upstream-bad-response' && reply?.json.outcome === 'not-applied') {
      key = randomUUID()
      keys += 1
      continue
    }
    if (name === 'probable-duplicate-order') {
      const order = await ask(urls, 'GET', reply?.json.links.order, { headers: { authorization } })
      if (order?.json.state === 'succeeded') return outcome(order.json.s3uid)
    }
    if (reply && reply.status !== 202 && reply.status !== 409 && reply.status < 500) {
      throw new Error(`${reply.status} for ${intent.bucketName}: ${reply.text}`)
    }
    await backoff()
  }
  return outcome(undefined, last)
}

type Options = { headers: Record<string, string>; body?: string }

/** Asks a gateway that serves; undefined when there is none, or when it is killed in the meantime. */
const ask = async (urls: () => string[], method: 'GET' | 'POST', path: string, options: Options) => {
  const all = urls()
  const url = all[Math.floor(Math.random() * all.length)]
  if (url === undefined) return undefined
  try {
    const { statusCode, body } = await request(`${url}${path}`, { method, headersTimeout: 15_000, ...options })
    const text = await body.text()
    return { status: statusCode, text, json: JSON.parse(text) }
  } catch {
    return undefined
  }
}
