import { setTimeout as pause } from 'node:timers/promises'
import { isOverdue, type RequestContext, verifying } from '../../core/context.ts'
import { createBucket } from '../../upstream/actions/buckets.ts'
import type { Upstream } from '../../upstream/client.ts'
import { isOutcomeLost } from '../../upstream/protocol/failure-stage.ts'
import { type ListedBucket, readBuckets } from './bucket-list.ts'

/** A bucket to be created. */
export interface RequestedBucket {
  s3uid: string
  /** The requested name: HOSTKEY may put a prefix before it. */
  name: string
  /** Pauses before each look at the list, milliseconds. */
  verifyDelaysMs: readonly number[]
}

/** Is this the requested name, or that name with a prefix of HOSTKEY's before it (observed)? */
export const isNamedAsRequested = (name: string, requested: string): boolean =>
  name === requested || name.endsWith(`-${requested}`)

/**
 * The bucket that a creation has made: the new one of the requested name, else the only new one that has the name with
 * a prefix.
 */
export const pickCreatedBucket = (
  listed: readonly ListedBucket[],
  before: ReadonlySet<string>,
  requested: string
): ListedBucket | undefined => {
  const created = listed.filter(({ name }) => !before.has(name))
  const prefixed = created.filter(({ name }) => isNamedAsRequested(name, requested))
  return created.find(({ name }) => name === requested) ?? (prefixed.length === 1 ? prefixed[0] : undefined)
}

/**
 * Creates a bucket with one POST that is never retried, and finds it in the list under its actual name. A bucket that is
 * listed was created, even when HOSTKEY's answer was lost.
 * @returns undefined when HOSTKEY reports success and does not list the bucket yet
 * @throws Problem of create_bucket and of the list
 */
export const createVerifiedBucket = async (
  upstream: Upstream,
  requested: RequestedBucket,
  context: RequestContext
): Promise<ListedBucket | undefined> => {
  const { s3uid, name } = requested
  const { answer } = await readBuckets(upstream, s3uid, context)
  const before = new Set(answer.message.map(bucket => bucket.name))
  const find = () => findCreatedBucket(upstream, requested, before, verifying(context))
  try {
    await upstream.call(createBucket, { s3uid, bucket_name: name }, context)
  } catch (error) {
    const found = isOutcomeLost(error) && !before.has(name) ? await find() : undefined
    if (found) return found
    throw error
  }
  // Some storages report success for a bucket that the account already owns: then none is new.
  return (await find()) ?? answer.message.find(bucket => bucket.name === name)
}

/**
 * Looks for a created bucket, once after each pause.
 * @returns undefined when it is not listed or the list cannot be read: the creation has succeeded all the same
 */
export const findCreatedBucket = async (
  upstream: Upstream,
  { s3uid, name, verifyDelaysMs }: RequestedBucket,
  before: ReadonlySet<string>,
  context: RequestContext
): Promise<ListedBucket | undefined> => {
  for (const ms of verifyDelaysMs) {
    await pause(ms)
    const found = await readBuckets(upstream, s3uid, context).then(
      ({ answer }) => pickCreatedBucket(answer.message, before, name),
      () => undefined
    )
    if (found || isOverdue(context)) return found
  }
  return undefined
}
