import { COOKIE } from '../../../src/auth/cookie.ts'
import type { Gateway, Reply, SendOptions } from './gateway.ts'

/** What page script may choose of a request; the token is never its own. */
type PageRequest = Omit<SendOptions, 'token'>

/** A caller that behaves as a page of our own does: it keeps the cookie and sends `X-CSRF`. */
export const createBrowser = ({ send }: Pick<Gateway, 'send'>, cookie?: string) => {
  let kept = cookie

  const ask = async (method: string, path: string, { headers = {}, body }: PageRequest = {}): Promise<Reply> => {
    const reply = await send(method, path, {
      token: null,
      headers: { 'x-csrf': '1', ...(kept !== undefined && { cookie: `${COOKIE}=${kept}` }), ...headers },
      ...(body !== undefined && { body })
    })
    const set = reply.headers['set-cookie']
    if (set !== undefined) kept = cookieIn(set)
    return reply
  }

  return {
    get: (path: string, options?: PageRequest) => ask('GET', path, options),
    post: (path: string, body?: unknown, options: PageRequest = {}) => ask('POST', path, { ...options, body }),
    del: (path: string, options?: PageRequest) => ask('DELETE', path, options),
    logIn: (credential: object, options: PageRequest = {}) => ask('POST', '/session', { ...options, body: credential }),
    logOut: () => ask('DELETE', '/session'),
    /** The value of the cookie that it keeps. */
    cookie: () => kept
  }
}

/** What a `Set-Cookie` leaves in the browser: nothing when it ends the cookie. */
const cookieIn = (set: string): string | undefined => {
  const value = set.slice(`${COOKIE}=`.length).split(';')[0]
  return value === '' || /max-age=0/i.test(set) ? undefined : value
}

/** The same cookie with another last character of its secret. */
export const forged = (cookie: string): string =>
  `${cookie.slice(0, -2)}${cookie.at(-2) === 'A' ? 'B' : 'A'}${cookie.slice(-1)}`
