import { createAccount, createOrder, deleteAccount, getUsers } from './accounts.ts'
import type { Action } from './action.ts'
import { createBucket, deleteBucket, getBuckets, getBucketsUsage } from './buckets.ts'
import { deleteFile, getFiles } from './files.ts'
import { showKey } from './keys.ts'
import { history, listPlans } from './plans.ts'

/** The actions of s3.php, by HOSTKEY's name. */
export const actions = {
  create_account: createAccount,
  create_bucket: createBucket,
  create_order: createOrder,
  delete_account: deleteAccount,
  delete_bucket: deleteBucket,
  delete_file: deleteFile,
  get_buckets: getBuckets,
  get_buckets_rmq: getBucketsUsage,
  get_files: getFiles,
  get_users: getUsers,
  history,
  list_plans: listPlans,
  show_key: showKey
} as const satisfies Record<string, Action>

export type ActionName = keyof typeof actions
