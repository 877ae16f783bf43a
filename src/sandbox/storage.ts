import { hexOf } from './secrets.ts'
import type { Account, Bucket, Customer, Plan, State, StoredObject } from './state.ts'

/** The current instant as HOSTKEY prints it: ISO 8601 without milliseconds. */
export const instantOf = (state: State): string => `${new Date(state.now()).toISOString().slice(0, 19)}Z`

/** Opens an account with a key pair and no bucket. */
export const openAccount = (
  state: State,
  customer: Customer,
  plan: Plan,
  location: string,
  id: number = state.nextAccountId++
): Account => {
  const s3uid = `s3_user_${id}`
  const account: Account = {
    id,
    s3uid,
    customerId: customer.id,
    email: customer.email,
    planId: plan.id,
    location,
    quota: plan.quota,
    accessKey: state.secrets.accessKey(s3uid),
    secretKey: state.secrets.secretKey(s3uid),
    paid: plan.monthlyEur > 0,
    cancelDate: undefined,
    bandwidth: 0,
    snapshots: [{ bandwidth: 0, storage: 0, createdAt: instantOf(state) }],
    buckets: new Set(),
    listsUntilVisible: state.behaviours.accountLag
  }
  state.accounts.set(s3uid, account)
  customer.accounts.add(s3uid)
  return account
}

/** Removes an account with its buckets and files. */
export const closeAccount = (state: State, account: Account): void => {
  for (const name of account.buckets) state.buckets.delete(name)
  state.accounts.delete(account.s3uid)
  state.customers.get(account.customerId)?.accounts.delete(account.s3uid)
}

/** Why a bucket cannot be created. */
type BucketRefusal = 'name-taken' | 'invalid-name'

/** Creates an empty bucket, whose name may get a prefix. @returns the bucket, or why it was not created */
export const openBucket = (state: State, account: Account, requestedName: string): Bucket | BucketRefusal => {
  const name = state.behaviours.bucketPrefix === 'on' ? `b${hexOf(account.s3uid, 8)}-${requestedName}` : requestedName
  if (!isBucketName(name)) return 'invalid-name'
  if (state.buckets.has(name)) return 'name-taken'
  return addBucket(state, account, name, instantOf(state))
}

/** Adds a bucket to an account without checking its name. */
export const addBucket = (state: State, account: Account, name: string, createdAt: string): Bucket => {
  const bucket: Bucket = {
    name,
    s3uid: account.s3uid,
    createdAt,
    files: new Map(),
    sizeBytes: 0,
    sorted: undefined,
    listsUntilVisible: state.behaviours.listLag
  }
  state.buckets.set(name, bucket)
  account.buckets.add(name)
  return bucket
}

/** The bucket of that name, if it belongs to the account. */
export const bucketOf = (state: State, account: Account, name: string): Bucket | undefined => {
  const bucket = state.buckets.get(name)
  return bucket?.s3uid === account.s3uid ? bucket : undefined
}

/** The buckets of an account, oldest first. */
export const bucketsOf = (state: State, account: Account): Bucket[] =>
  [...account.buckets].flatMap(name => bucketOf(state, account, name) ?? [])

/** Removes a bucket and its files. */
export const removeBucket = (state: State, account: Account, bucket: Bucket): void => {
  state.buckets.delete(bucket.name)
  account.buckets.delete(bucket.name)
}

/** Stores a file; replaces one with the same path. */
export const putFile = (
  bucket: Bucket,
  path: string,
  size: number,
  modifiedAt: string,
  object?: StoredObject
): void => {
  removeFile(bucket, path)
  bucket.files.set(path, { size, modifiedAt, object })
  bucket.sizeBytes += size
  bucket.sorted = undefined
}

/** @returns whether the file existed */
export const removeFile = (bucket: Bucket, path: string): boolean => {
  const file = bucket.files.get(path)
  if (!file) return false
  bucket.files.delete(path)
  file.object?.content.discard()
  bucket.sizeBytes -= file.size
  bucket.sorted = undefined
  return true
}

/** Size in bytes of all buckets of an account. */
export const sizeOf = (state: State, account: Account): number =>
  bucketsOf(state, account).reduce((sum, bucket) => sum + bucket.sizeBytes, 0)

/** Amazon's rule for bucket names, with a prefix that it reserves. Assumed: HOSTKEY documents none. */
const isBucketName = (name: string) => /^(?!xn--)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes('..')
