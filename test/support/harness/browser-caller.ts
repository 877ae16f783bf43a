import { COOKIE } from '../../../src/auth/cookie.ts'
import type { Gateway, Reply, SendOptions } from './gateway.ts'

/** What a script may set in a request; never the token. */
type PageRequest = Omit<SendOptions, 'token'>

/** A caller that behaves like a page of the gateway: it keeps the cookie and sends `X-CSRF`. */
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
    /** The value of its cookie. */
    cookie: () => kept
  }
}

/** The cookie that a browser keeps after `Set-Cookie`; undefined when the header deletes it. */
const cookieIn = (set: string): string | undefined => {
  const value = set.slice(`${COOKIE}=`.length).split(';')[0]
  return value === '' || /max-age=0/i.test(set) ? undefined : value
}

/** The cookie with one changed character in its secret. */
export const forged = (cookie: string): string =>
  `${cookie.slice(0, -2)}${cookie.at(-2) === 'A' ? 'B' : 'A'}${cookie.slice(-1)}`
