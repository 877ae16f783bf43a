// Requests to the gateway, with the session cookie.

const GATEWAY = document.querySelector('meta[name="gateway"]').content.replace(/\/$/, '')

/** 90 s: longer than the gateway waits for HOSTKEY. */
const TIMEOUT_MS = 90_000

/** A problem of the gateway (RFC 9457), or of the page when there is no reply: then `isOffline`. */
export class Problem extends Error {
  constructor(fields) {
    super(fields.title)
    Object.assign(this, { retryable: false, ...fields })
  }
}

/** One request. `X-CSRF` proves that it comes from this page: other sites cannot set it. @throws Problem */
export const request = async (method, path, { query = {}, body, headers, signal } = {}) => {
  const url = new URL(GATEWAY + path, location.href)
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value)
  const reply = await reach(signal, () =>
    fetch(url, {
      method,
      credentials: 'include',
      headers: { 'X-CSRF': '1', ...(body && { 'Content-Type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
      signal
    })
  )
  if (reply.ok) return reply
  const text = await reach(signal, () => reply.text())
  throw new Problem({
    title: 'The request failed',
    detail: `The status of the reply was ${reply.status}.`,
    instance: reply.headers.get('x-request-id') ?? undefined,
    ...parseJson(text),
    status: reply.status,
    retryAfter: reply.headers.get('retry-after')
  })
}

/** One request, and the JSON of its reply. @throws Problem */
export const call = async (method, path, { signal: given, ...options } = {}) => {
  const signals = [AbortSignal.timeout(TIMEOUT_MS), ...(given ? [given] : [])]
  const signal = AbortSignal.any(signals)
  try {
    const reply = await request(method, path, { ...options, signal })
    return parseJson(await reach(signal, () => reply.text()))
  } catch (error) {
    throw signal.aborted && !given?.aborted ? new Problem(NO_REPLY) : error
  }
}

const NO_REPLY = {
  title: 'No reply from the gateway',
  detail: 'Check your connection, then try again.',
  retryable: true,
  isOffline: true
}

const reach = async (signal, use) => {
  try {
    return await use()
  } catch (error) {
    throw signal?.aborted ? error : new Problem(NO_REPLY)
  }
}

const parseJson = text => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const accountPath = account => `/accounts/${encodeURIComponent(account)}`
export const bucketPath = ({ account, bucket }) => `${accountPath(account)}/buckets/${encodeURIComponent(bucket)}`
