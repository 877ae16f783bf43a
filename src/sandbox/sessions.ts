import type { Customer, Session, World } from './world.ts'

/** 24 h: the longest life that login gives. Assumed. */
export const MAX_TTL_SECONDS = 86_400

/** So many sessions are kept; the oldest goes first. */
const MAX_SESSIONS = 20_000

const unixSeconds = (world: World) => Math.floor(world.now() / 1000)

/** A new session. `name` makes its token; a serial number by default. */
export const openSession = (
  world: World,
  customer: Customer,
  {
    ttlSeconds = MAX_TTL_SECONDS,
    boundIp,
    twoFactorPending = false,
    name = `session-${world.nextSerial++}`
  }: {
    ttlSeconds?: number
    boundIp?: string | undefined
    twoFactorPending?: boolean
    name?: string
  } = {}
): Session => {
  const token = world.secrets.token(name)
  const expiresAt = unixSeconds(world) + ttlSeconds
  const session: Session = { token, customerId: customer.id, expiresAt, boundIp, twoFactorPending }
  world.sessions.set(token, session)
  const oldest = world.sessions.keys().next()
  if (world.sessions.size > MAX_SESSIONS && !oldest.done) world.sessions.delete(oldest.value)
  return session
}

/** The session of a token that lives and comes from the right address; its second factor may still be wanting. */
export const sessionOf = (world: World, token: string | undefined, ip: string): Session | undefined => {
  const session = world.sessions.get(token ?? '')
  if (!session || unixSeconds(world) >= session.expiresAt) return undefined
  return session.boundIp === undefined || session.boundIp === ip ? session : undefined
}

/** Whose token it is, when it may be used for everything. */
export const customerOf = (world: World, token: string | undefined, ip: string): Customer | undefined => {
  const session = sessionOf(world, token, ip)
  return session && !session.twoFactorPending ? world.customers.get(session.customerId) : undefined
}
