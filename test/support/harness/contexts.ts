import type { RequestContext } from '../../../src/core/context.ts'
import { Secret } from '../../../src/core/secret.ts'

/** Settings of a request context. */
export interface Who {
  id?: string
  token?: string
  signal?: AbortSignal
  isShareable?: boolean
}

/** The context of a caller with every permission, for calls without a gateway. */
export const contextOf = ({
  id = 'a',
  token = 'one',
  signal = new AbortController().signal,
  isShareable = true
}: Who = {}): RequestContext => ({
  caller: {
    authScheme: 'bearer',
    id,
    share: id,
    limitFactor: 1,
    accounts: undefined,
    token: async () => new Secret(token),
    grants: async () => true,
    identity: async () => ({}),
    refreshToken: async refused => refused
  },
  token: new Secret(token),
  signal,
  isShareable,
  upstream: { ms: 0, calls: 0 }
})

/** The result of the work, or its error. */
export const heard = (work: Promise<unknown>) => work.catch((error: unknown) => error)
