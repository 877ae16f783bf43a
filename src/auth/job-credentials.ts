import { customerScopes } from '../../schemas/scopes.ts'
import { type Caller, type Identity, jobShareOf, mayKnow, mayUse } from '../core/caller.ts'
import { latestNow } from '../core/clock.ts'
import { Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import type { JobRecord } from '../store/jobs.ts'
import { readRecord } from '../store/record-format.ts'
import type { Sealer } from './seal.ts'
import type { TokenRecords } from './token-records.ts'

/** The credential of a caller, kept for a job that goes on without it. */
export interface JobCredentials {
  /** @returns the sealed credential: a stolen store does not open it */
  keep(caller: Caller, jobId: string): Promise<string>
  /**
   * The caller of a job. It ends with the token of the gateway, or the service, that it was made with.
   * @returns undefined when the credential cannot be opened: the server's secret was changed, or the service is gone or no
   * longer reaches what it did
   */
  open(sealed: string, job: Pick<JobRecord, 'jobId' | 'tenant' | 's3uid' | 'bucket'>): Caller | undefined
  /**
   * May a caller go on that was authenticated before? Not after the end of its session, or token of the gateway. Of a token
   * of HOSTKEY only HOSTKEY knows.
   * @throws StoreUnavailable
   */
  isAlive(caller: Caller): Promise<boolean>
}

/** The JSON text that is sealed: a token of HOSTKEY, or the id of a service, which logs in by itself. */
type Kept = { id: string; within?: Within } & Partial<OfToken> &
  ({ token: string; identity: Identity } | { service: string; secretHash?: string })

/** The job was made with a token of the gateway. Older versions would go on after its end. */
interface OfToken {
  /** Keys of the records with which it ends. */
  needs: readonly string[]
  format: 2
}

/** What limits a caller. A job stays within it, although its bucket was checked when it was made. */
type Within = { accounts?: string[]; buckets?: string[]; pathPrefix?: string }

const withinOf = ({ accounts, buckets, pathPrefix }: Caller): Within => ({
  ...(accounts && { accounts: [...accounts] }),
  ...(buckets && { buckets: [...buckets] }),
  ...(pathPrefix !== undefined && { pathPrefix })
})

const limitsOf = ({ accounts, buckets, pathPrefix }: Within = {}) => ({
  accounts: accounts && new Set(accounts),
  buckets: buckets && new Set(buckets),
  pathPrefix
})

const nameOf = (jobId: string) => `job:${jobId}`

/**
 * @param findService the caller that a service is; undefined when the registry does not have it, or not with this secret
 */
export const createJobCredentials = (
  sealer: Sealer,
  tokens: Pick<TokenRecords, 'exist'>,
  findService: (id: string, secretHash?: string) => Caller | undefined
): JobCredentials => ({
  async keep(caller, jobId) {
    const { id, origin } = caller
    const ofToken: Partial<OfToken> = caller.authScheme === 'token' ? { needs: origin?.needs ?? [], format: 2 } : {}
    const own = { id, within: withinOf(caller), ...ofToken }
    const { id: service, secretHash } = origin?.service ?? {}
    const kept: Kept =
      service !== undefined && secretHash !== undefined
        ? { ...own, service, ...(ofToken.needs && { secretHash }) }
        : { ...own, token: (await caller.token()).reveal(), identity: await caller.identity() }
    // A job has no secret that the server does not keep: its name and the server's secret open it.
    return sealer.seal(JSON.stringify(kept), nameOf(jobId), jobId)
  },
  open(sealed, { jobId, tenant, s3uid, bucket }) {
    const text = sealer.open(sealed, nameOf(jobId), jobId)
    if (text === undefined) return undefined
    const kept = readRecord<Kept>(text, 'the credential of a job')
    const share = jobShareOf(tenant)
    /** Before each call: nothing is sent after the end of the token. */
    const assertTokenLives = async () => {
      if (kept.needs && !(await tokens.exist(kept.needs))) refuse('The token that the job was made with has ended.')
    }
    if ('service' in kept) {
      const within = limitsOf(kept.within)
      /** The service as it is now: it may be removed, or limited, while the job runs. */
      const find = () => {
        const service = findService(kept.service, kept.secretHash)
        if (service === undefined || (mayUse(within, s3uid) && !mayUse(service, s3uid))) return undefined
        const { pathPrefix = '' } = service
        return mayKnow(service, s3uid, bucket) && (within.pathPrefix ?? '').startsWith(pathPrefix) ? service : undefined
      }
      const findNow = () => find() ?? refuse('The service of the job was removed, or limited.')
      const service = find()
      return (
        service && {
          ...service,
          ...within,
          share,
          async token() {
            await assertTokenLives()
            return findNow().token()
          },
          refreshToken: async refused => findNow().refreshToken(refused)
        }
      )
    }
    const token = new Secret(kept.token)
    return {
      authScheme: 'bearer',
      id: kept.id,
      share,
      limitFactor: 1,
      ...limitsOf(kept.within),
      async token() {
        await assertTokenLives()
        return token
      },
      grants: async scope => customerScopes.includes(scope),
      identity: async () => kept.identity,
      refreshToken: async () => refuse('HOSTKEY does not accept the token of the job any more.')
    }
  },
  async isAlive({ origin, expiresAt = Number.POSITIVE_INFINITY }) {
    const needs = origin?.needs ?? []
    return expiresAt > latestNow() && (needs.length === 0 || (await tokens.exist(needs)))
  }
})

/** The job pauses. */
const refuse = (reason: string): never => {
  throw new Problem('invalid-token', reason)
}
