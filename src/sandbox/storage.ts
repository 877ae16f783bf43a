import { hexOf } from './secrets.ts'
import type { Account, Bucket, Customer, Plan, World } from './world.ts'

/** The sandbox's clock as HOSTKEY prints an instant: no milliseconds. */
export const instantOf = (world: World): string => `${new Date(world.now()).toISOString().slice(0, 19)}Z`

/** A new account with its key pair, and no bucket yet. */
export const openAccount = (
  world: World,
  customer: Customer,
  plan: Plan,
  location: string,
  id: number = world.nextAccountId++
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
    accessKey: world.secrets.accessKey(s3uid),
    secretKey: world.secrets.secretKey(s3uid),
    paid: plan.monthlyEur > 0,
    cancelDate: undefined,
    bandwidth: 0,
    snapshots: [{ bandwidth: 0, storage: 0, createdAt: instantOf(world) }],
    buckets: new Set(),
    unseen: world.switches.accountLag
  }
  world.accounts.set(s3uid, account)
  customer.accounts.add(s3uid)
  return account
}

/** Removes an account with its buckets and files. */
export const closeAccount = (world: World, account: Account): void => {
  for (const name of account.buckets) world.buckets.delete(name)
  world.accounts.delete(account.s3uid)
  world.customers.get(account.customerId)?.accounts.delete(account.s3uid)
}

/** Why a bucket cannot be made. */
export type BucketFault = 'taken' | 'misnamed'

/** A new empty bucket under its actual name, which may have a prefix; or why there is none. */
export const openBucket = (world: World, account: Account, wished: string): Bucket | BucketFault => {
  const name = world.switches.bucketPrefix === 'on' ? `b${hexOf(account.s3uid, 8)}-${wished}` : wished
  if (!isBucketName(name)) return 'misnamed'
  if (world.buckets.has(name)) return 'taken'
  return addBucket(world, account, name, instantOf(world))
}

/** Puts a bucket into an account without asking whether it may be there. */
export const addBucket = (world: World, account: Account, name: string, createdAt: string): Bucket => {
  const bucket: Bucket = {
    name,
    s3uid: account.s3uid,
    createdAt,
    files: new Map(),
    sizeBytes: 0,
    sorted: undefined,
    unseen: world.switches.listLag
  }
  world.buckets.set(name, bucket)
  account.buckets.add(name)
  return bucket
}

/** The bucket of that name, when it is the account's. */
export const bucketOf = (world: World, account: Account, name: string): Bucket | undefined => {
  const bucket = world.buckets.get(name)
  return bucket?.s3uid === account.s3uid ? bucket : undefined
}

/** The buckets of an account, oldest first. */
export const bucketsOf = (world: World, account: Account): Bucket[] =>
  [...account.buckets].flatMap(name => bucketOf(world, account, name) ?? [])

/** Removes a bucket, full or not. */
export const removeBucket = (world: World, account: Account, bucket: Bucket): void => {
  world.buckets.delete(bucket.name)
  account.buckets.delete(bucket.name)
}

export const putFile = (bucket: Bucket, path: string, size: number, modifiedAt: string): void => {
  removeFile(bucket, path)
  bucket.files.set(path, { size, modifiedAt })
  bucket.sizeBytes += size
  bucket.sorted = undefined
}

/** Removes a file and tells whether there was one. */
export const removeFile = (bucket: Bucket, path: string): boolean => {
  const file = bucket.files.get(path)
  if (!file) return false
  bucket.files.delete(path)
  bucket.sizeBytes -= file.size
  bucket.sorted = undefined
  return true
}

/** Bytes in all buckets of an account. */
export const sizeOf = (world: World, account: Account): number =>
  bucketsOf(world, account).reduce((sum, bucket) => sum + bucket.sizeBytes, 0)

/** Amazon's rule for names of buckets. Assumed: HOSTKEY documents none. */
const isBucketName = (name: string) => /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes('..')
