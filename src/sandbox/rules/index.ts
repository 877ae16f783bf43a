import type { ActionName, actions } from '../../upstream/actions/index.ts'
import type { Rule } from '../rule.ts'
import * as accounts from './accounts.ts'
import * as buckets from './buckets.ts'
import * as files from './files.ts'
import * as keys from './keys.ts'
import * as plans from './plans.ts'
import * as terminations from './terminations.ts'
import * as users from './users.ts'

/** The rule of each action of s3.php, exported under its name. It does not compile without one. */
export const rules: { readonly [N in ActionName]: Rule<(typeof actions)[N]> } = {
  ...accounts,
  ...buckets,
  ...files,
  ...keys,
  ...plans,
  ...terminations,
  ...users
}
