import { setTimeout as pause } from 'node:timers/promises'
import { type RequestContext, verifying } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import { getUsers } from '../../upstream/actions/accounts.ts'
import type { Upstream } from '../../upstream/client.ts'
import { isOutcomeLost, mayStillExecute } from '../../upstream/protocol/failure-stage.ts'
import { listedBuckets } from './buckets.ts'
import { listedFiles } from './files.ts'

/** What is to be deleted: an account, one of its buckets, or a file in one. */
export interface Target {
  s3uid: string
  bucket?: string
  path?: string
}

/** How a deletion is sent, and where it is looked for when its answer is lost. */
export interface Deletion {
  upstream: Upstream
  target: Target
  /** Sends it once. */
  send: () => Promise<unknown>
  /** Pauses before each look. */
  verifyDelaysMs: readonly number[]
}

/**
 * Deletes with one POST that is never repeated. Where its answer is lost, reading tells what became of it (RELIABILITY 4.1).
 * @throws Problem of the action; upstream-bad-response with outcome `not-applied` when PHP has answered and the target is still there
 */
export const deleted = async ({ send, ...search }: Deletion, context: RequestContext): Promise<void> => {
  try {
    await send()
  } catch (error) {
    if (!isOutcomeLost(error)) throw error
    const isGone = await looked(search, verifying(context))
    if (isGone) return
    // What is there now may be gone in a moment.
    if (isGone === undefined || mayStillExecute(error)) throw error
    throw new Problem('upstream-bad-response', 'HOSTKEY gave no answer that can be used, and has deleted nothing.', {
      outcome: 'not-applied',
      cause: error.options.cause
    })
  }
}

/** Is the target gone? Undefined when that cannot be told. */
const looked = async (
  { upstream, target, verifyDelaysMs }: Omit<Deletion, 'send'>,
  context: RequestContext
): Promise<boolean | undefined> => {
  let isGone: boolean | undefined
  for (const ms of verifyDelaysMs) {
    await pause(ms)
    isGone = await isTargetGone(upstream, target, context).catch(() => undefined)
    if (isGone || context.deadline?.aborted) break
  }
  return isGone
}

const isTargetGone = async (
  upstream: Upstream,
  { s3uid, bucket, path }: Target,
  context: RequestContext
): Promise<boolean | undefined> => {
  try {
    if (bucket === undefined) {
      const { s3_users } = await upstream.call(getUsers, { s3uid }, context)
      return !s3_users.some(account => account.s3uid === s3uid)
    }
    if (path === undefined) {
      const { answer } = await listedBuckets(upstream, s3uid, context)
      return !answer.message.some(({ name }) => name === bucket)
    }
    // Whether `search` is a prefix or a part of the path, the path itself fits it.
    const page = await listedFiles(upstream, { s3uid, bucket, search: path, limit: 1000, from: undefined }, context)
    if (page.files.some(file => file.original_key === path)) return false
    // A folder stands for all files in it.
    if (page.folders.some(folder => path.startsWith(folder))) return undefined
    return page.next === undefined ? true : undefined
  } catch (error) {
    if (isProblem(error, 'account-not-found', 'bucket-not-found')) return true
    throw error
  }
}
