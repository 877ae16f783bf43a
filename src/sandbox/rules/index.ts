import type { ActionName, actions } from '../../upstream/actions/index.ts'
import type { Rule } from '../rule.ts'
import { create_account, create_order, delete_account } from './accounts.ts'
import { create_bucket, delete_bucket, get_buckets, get_buckets_rmq } from './buckets.ts'
import { delete_file, get_files } from './files.ts'
import { show_key } from './keys.ts'
import { history, list_plans } from './plans.ts'
import { get_users } from './users.ts'

/** The rule of each action of s3.php. It does not compile without one. */
export const rules: { readonly [N in ActionName]: Rule<(typeof actions)[N]> } = {
  create_account,
  create_bucket,
  create_order,
  delete_account,
  delete_bucket,
  delete_file,
  get_buckets,
  get_buckets_rmq,
  get_files,
  get_users,
  history,
  list_plans,
  show_key
}
