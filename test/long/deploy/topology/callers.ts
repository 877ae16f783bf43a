import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { COOKIE } from '../../../../src/auth/cookie.ts'

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** One request of the load. */
export interface Outcome {
  caller: 'bearer' | 'session' | 'writer'
  /** 0 without a reply. */
  status: number
  text: string
  /** Whether the reply changed the cookie. */
  setsCookie: boolean
}

/** 20 ms between two requests of a caller: a load, not a flood. */
const PAUSE_MS = 20

const BUCKETS = '/accounts/s3_user_1/buckets'

/** Callers of a front, over TLS, with connections that are kept. */
export const callersOf = (url: string, ca: string, token: string) => {
  const agent = new Agent({ connect: { ca }, connections: 16, headersTimeout: 20_000 })
  const send = async (method: 'GET' | 'POST', path: string, headers: Record<string, string>, body?: unknown) => {
    const reply = await request(url + path, {
      method,
      dispatcher: agent,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
    return { status: reply.statusCode, headers: reply.headers, text: await reply.body.text() } satisfies Answer
  }
  const bearer = { authorization: `Bearer ${token}` }
  let cookie = ''
  const session = () => ({ cookie, 'x-csrf': '1' })
  let written = 0
  const nextName = () => {
    written += 1
    return `written-${written}`
  }

  const ways: Record<Outcome['caller'], () => Promise<Answer>> = {
    bearer: () => send('GET', BUCKETS, bearer),
    session: () => send('GET', BUCKETS, session()),
    writer: () => send('POST', BUCKETS, bearer, { name: nextName() })
  }

  return {
    close: () => agent.close(),
    /** Logs in once; later requests use its cookie. */
    async logIn() {
      const { status, headers, text } = await send('POST', '/session', { 'x-csrf': '1' }, { token })
      if (status !== 201) throw new Error(`no login: ${status} ${text}`)
      cookie = String(headers['set-cookie']).split(';')[0] ?? ''
      if (!cookie.startsWith(`${COOKIE}=`)) throw new Error(`no cookie: ${cookie}`)
    },
    readSession: ways.session,
    readBearer: ways.bearer,
    order: (key: string, bucketName: string) =>
      send('POST', '/orders', { ...bearer, 'idempotency-key': key }, { planId: 2, bucketName }),
    /** Sends from all callers until the action has ended. @returns every outcome */
    async during(act: () => Promise<void>): Promise<Outcome[]> {
      const outcomes: Outcome[] = []
      let isOver = false
      const run = async (caller: Outcome['caller']) => {
        while (!isOver) {
          const { status, text, headers } = await ways[caller]().catch((error: Error) => ({
            status: 0,
            text: error.message,
            headers: {} as Answer['headers']
          }))
          outcomes.push({ caller, status, text, setsCookie: headers['set-cookie'] !== undefined })
          await pause(PAUSE_MS)
        }
      }
      const running = ['bearer', 'bearer', 'session', 'session', 'writer'].map(each => run(each as Outcome['caller']))
      try {
        await act()
      } finally {
        isOver = true
        await Promise.all(running)
      }
      return outcomes
    }
  }
}

/** How often each status came: `bearer 200: 12, session 503: 1`. */
export const summary = (outcomes: readonly Outcome[]): string =>
  [...Map.groupBy(outcomes, ({ caller, status }) => `${caller} ${status}`)]
    .map(([name, { length }]) => `${name}: ${length}`)
    .sort()
    .join(', ')
