import type { Customer, Session, State } from './state.ts'

/** 24 h: the longest lifetime of a session. Assumed. */
export const MAX_TTL_SECONDS = 86_400

/** Number of sessions kept; the oldest is dropped first. */
const MAX_SESSIONS = 20_000

const unixSeconds = (state: State) => Math.floor(state.now() / 1000)

/** Opens a session. Its token is derived from `name`, by default a serial number. */
export const openSession = (
  state: State,
  customer: Customer,
  {
    ttlSeconds = MAX_TTL_SECONDS,
    boundIp,
    twoFactorPending = false,
    name = `session-${state.nextSerial++}`
  }: {
    ttlSeconds?: number
    boundIp?: string | undefined
    twoFactorPending?: boolean
    name?: string
  } = {}
): Session => {
  const token = state.secrets.token(name)
  const expiresAt = unixSeconds(state) + ttlSeconds
  const session: Session = { token, customerId: customer.id, expiresAt, boundIp, twoFactorPending }
  state.sessions.set(token, session)
  const oldest = state.sessions.keys().next()
  if (state.sessions.size > MAX_SESSIONS && !oldest.done) state.sessions.delete(oldest.value)
  return session
}

/** The session of a token that is valid for this address; its second factor may be pending. */
export const sessionOf = (state: State, token: string | undefined, ip: string): Session | undefined => {
  const session = state.sessions.get(token ?? '')
  if (!session || unixSeconds(state) >= session.expiresAt) return undefined
  return session.boundIp === undefined || session.boundIp === ip ? session : undefined
}

/** The customer of a valid token whose second factor is not pending. */
export const customerOf = (state: State, token: string | undefined, ip: string): Customer | undefined => {
  const session = sessionOf(state, token, ip)
  return session && !session.twoFactorPending ? state.customers.get(session.customerId) : undefined
}
