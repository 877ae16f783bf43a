import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { concurrencyLimits, isProblem } from '../../core/problem.ts'
import type { LimitDecisions } from '../../observability/limit-decisions.ts'
import { type Store, StoreUnavailable } from '../../store/index.ts'
import type { Count } from '../../store/store.ts'
import { networkOf } from '../network.ts'
import { type Counters, limitKeyOf } from '../rate-limit-store.ts'
import type { BeginLogin } from '../route.ts'
import { ADDRESS, CALLER, CLASSES, decide, type Maxima, type Policy, policy, quotaOf, report } from './rate-limits.ts'

export interface LoginLimitOptions {
  counters: Counters
  /** Has the networks from which an account has logged in. */
  store: Pick<Store, 'get' | 'put'>
  maxima: Maxima
  windowMs: number
  decisions: LimitDecisions
}

/** Failed logins of a network, and logins of one account from one network. */
export const LOGIN = policy('login', 1 / 120, { setting: 'login' })
/** Failed logins of one account from one network: others cannot lock its owner out. */
export const LOGIN_CREDENTIAL = policy('login-credential', 1 / 60, { windows: 60, setting: 'login' })
/** Failed logins of one account from all networks: bounds a guesser who has many. */
export const LOGIN_ACCOUNT = policy('login-account', 1 / 6, { windows: 60, setting: 'login' })

/** The names of all limits. */
export const limitNames = (): string[] => [
  ...new Set(
    [ADDRESS, CALLER, ...Object.values(CLASSES).flat(), LOGIN, LOGIN_CREDENTIAL, LOGIN_ACCOUNT].map(({ name }) => name)
  ),
  ...concurrencyLimits
]

/** Logins of one network at the same time, as a multiple of its limit: their outcome is not known yet. */
const IN_FLIGHT = 4

/** 30 days: a network from which an account has logged in is not subject to the limit of all networks. */
const KNOWN_MS = 30 * 24 * 3_600_000

/** The name of the decorator that counts a login. */
export const BEGIN_LOGIN = 'beginLogin'

/** Limits guesses, not logins: an office behind one address logs in as often as it has people. */
export const loginLimits = fp(
  async (app: FastifyInstance, { counters, store, maxima, windowMs, decisions }: LoginLimitOptions) => {
    const inFlight = new Map<string, number>()

    const count = async (policy: Policy, owner: string, by: number): Promise<Count> => {
      const { name, windows } = policy
      const limit = { key: limitKeyOf(name, owner), by, windowMs: windowMs * windows, max: quotaOf(policy, maxima) }
      const [counted] = await counters.count([limit])
      // One limit has one count.
      return counted as Count
    }
    const isKnown = (own: string) =>
      store.get(`login-known:${own}`).then(
        found => found !== undefined,
        () => false
      )

    const begin: BeginLogin = async (request, reply, account) => {
      const network = networkOf(request)
      const own = `${account}@${network}`
      const check = (policy: Policy, count: Count, owner: string) =>
        report(
          decisions,
          reply,
          [{ policy, owner, max: quotaOf(policy, maxima), windowMs: windowMs * policy.windows }],
          [count]
        )
      const end = () => {
        const left = (inFlight.get(network) ?? 1) - 1
        if (left > 0) inFlight.set(network, left)
        else inFlight.delete(network)
      }

      inFlight.set(network, (inFlight.get(network) ?? 0) + 1)
      try {
        const [failed, attempts] = await Promise.all([count(LOGIN, network, 0), count(LOGIN, own, 1)])
        // This login counts as failed until its outcome is known, and those beside it only beyond a multiple of the limit.
        const isCrowded = failed.count + (inFlight.get(network) ?? 1) > IN_FLIGHT * quotaOf(LOGIN, maxima)
        const failing = isCrowded
          ? { count: quotaOf(LOGIN, maxima) + 1, ttlMs: 1000 }
          : { count: failed.count + 1, ttlMs: failed.ttlMs }
        if (attempts.count >= failing.count) check(LOGIN, attempts, own)
        else check(LOGIN, failing, network)
        check(LOGIN_CREDENTIAL, await count(LOGIN_CREDENTIAL, own, 1), own)
        const all = await count(LOGIN_ACCOUNT, account, 1)
        // Not reported: only who exceeds it learns of it.
        if (all.count <= quotaOf(LOGIN_ACCOUNT, maxima) || (await isKnown(own))) {
          decide(decisions, LOGIN_ACCOUNT.name, true)
        } else check(LOGIN_ACCOUNT, all, account)
      } catch (error) {
        end()
        throw error
      }

      const forgive = () => Promise.all([count(LOGIN_CREDENTIAL, own, -1), count(LOGIN_ACCOUNT, account, -1)])
      return {
        async recordSuccess() {
          end()
          await Promise.all([forgive(), store.put(`login-known:${own}`, '1', KNOWN_MS).catch(() => undefined)])
        },
        async recordFailure(error) {
          end()
          // HOSTKEY has not judged the credential, or has accepted it.
          const isNoGuess = error instanceof StoreUnavailable || (isProblem(error) && error.status === 503)
          await (isNoGuess ? forgive() : count(LOGIN, network, 1))
        }
      }
    }
    app.decorate(BEGIN_LOGIN, begin)
  },
  { name: 'login-limits' }
)
