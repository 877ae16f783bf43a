import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import {
  bySegment,
  deletionOf,
  FILES,
  type fileDeletions,
  isFilePath,
  type Seen,
  shown,
  type Way,
  type Witnessed,
  ways
} from '../../support/harness/file-deletions.ts'
import type { Regression } from '../fuzz/regressions.ts'
import type { FuzzRequest } from '../fuzz/requests.ts'
import { coins, hostilePath } from './hostile.ts'

/** The result of a run. */
export interface Tally {
  keys: number
  requests: number
  /** Deletions of the intended file. */
  deletions: number
  /** Other calls to HOSTKEY. */
  strays: number
  /** Number of requests by each way. */
  byWay: Record<string, number>
  /** Requests whose path the client rewrote before it sent it: no server can know the intended one. */
  rewritten: { tried: number; accounts: number; buckets: number; cameNear: number }
  /** The smallest case with a violation. */
  failure: Regression | undefined
}

export type Stage = Awaited<ReturnType<typeof fileDeletions>>

const raw = ways.filter(({ by }) => by === 'raw')
const fetched = ways.filter(({ by }) => by === 'fetch')

/** The only call that a deletion may cause, or none. */
export const expected = (path: string, { loses }: Pick<Way, 'loses'>): Seen[] =>
  isFilePath(path) && !loses?.(path) ? [deletionOf(path)] : []

/** A deletion as it was sent, to send it again. */
export const requestOf = (path: string, { by }: Pick<Way, 'by'>, target: string): FuzzRequest => {
  const { pathname, search } = new URL(target, 'http://localhost')
  return {
    operationId: 'deleteFile',
    method: 'DELETE',
    target: by === 'raw' ? target : `${pathname}${search}`,
    headers: {},
    as: { bearer: 'demo' },
    meant: { path }
  }
}

/** Number of paths: each is sent by a raw socket and by `fetch`, a fifth of them also as a careless client names it. */
export const deletePaths = async (stage: Stage, { seed, keys }: { seed: number; keys: number }): Promise<Tally> => {
  const rewritten = { tried: 0, accounts: 0, buckets: 0, cameNear: 0 }
  const tally: Tally = { keys: 0, requests: 0, deletions: 0, strays: 0, byWay: {}, rewritten, failure: undefined }

  /** @returns true when only the intended file was deleted */
  const isKept = async (path: string, way: Way, coins: boolean[]): Promise<boolean> => {
    const target = way.targetOf(path, place => coins[place % coins.length] ?? false)
    const { seen, undocumented } = await (way.by === 'raw' ? stage.byRaw : stage.byFetch)(target)
    tally.requests += 1
    tally.deletions += seen.length
    tally.byWay[way.name] = (tally.byWay[way.name] ?? 0) + 1
    if (isDeepStrictEqual(seen, expected(path, way)) && undocumented.length === 0) return true
    tally.strays += seen.filter(call => !isDeepStrictEqual(call, deletionOf(path))).length
    const about = `${way.name}: ${shown(path, 2000)} became ${shown(seen, 1000)} ${undocumented.join('; ')}`
    tally.failure = { about, request: requestOf(path, way, target) }
    return false
  }
  const one = (from: readonly Way[]) => fc.constantFrom(...from)
  const exact = fc.asyncProperty(hostilePath, coins, one(raw), one(fetched), async (path, coins, byRaw, byFetch) => {
    tally.keys += 1
    return (await isKept(path, byRaw, coins)) && (await isKept(path, byFetch, coins))
  })
  await fc.check(exact, { seed, numRuns: keys })

  const careless = fc.asyncProperty(hostilePath, async path => {
    const target = `${FILES}/${bySegment(path)}`
    const { seen, problem }: Witnessed = await stage.byFetch(target)
    const countOf = (name: string) => seen.filter(({ action }) => action === name).length
    rewritten.tried += 1
    rewritten.buckets += countOf('delete_bucket')
    rewritten.accounts += countOf('delete_account')
    rewritten.cameNear += Number(problem === 'confirmation-required')
    if (countOf('delete_account') === 0) return true
    const about = `an account is gone: ${shown(path, 2000)}`
    tally.failure = { about, request: requestOf(path, { by: 'fetch' }, target) }
    return false
  })
  await fc.check(careless, { seed, numRuns: keys / 5, examples: [['../../../../s3_user_1']] })
  return tally
}
