import type { RequestContext } from '../../../src/core/context.ts'
import { Secret } from '../../../src/core/secret.ts'

/** What a test chooses of an errand. */
export interface Who {
  id?: string
  token?: string
  signal?: AbortSignal
  isShareable?: boolean
}

/** An errand of a caller that may do everything, for calls without a gateway. */
export const contextOf = ({
  id = 'a',
  token = 'one',
  signal = new AbortController().signal,
  isShareable = true
}: Who = {}): RequestContext => ({
  caller: {
    authScheme: 'bearer',
    id,
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

/** What work brings, or its failure. */
export const heard = (work: Promise<unknown>) => work.catch((error: unknown) => error)
