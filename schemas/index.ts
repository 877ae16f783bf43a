import * as accounts from './accounts.ts'
import * as buckets from './buckets.ts'
import * as files from './files.ts'
import * as jobs from './jobs.ts'
import * as keys from './keys.ts'
import { isModel } from './model.ts'
import * as orders from './orders.ts'
import * as plans from './plans.ts'
import * as presignedUrls from './presigned-urls.ts'
import * as problems from './problems.ts'
import * as sessions from './sessions.ts'
import * as status from './status.ts'
import * as terminations from './terminations.ts'
import * as tokens from './tokens.ts'
import * as usage from './usage.ts'
import * as warnings from './warnings.ts'

const resources = [
  accounts,
  buckets,
  files,
  jobs,
  keys,
  orders,
  plans,
  presignedUrls,
  problems,
  sessions,
  status,
  terminations,
  tokens,
  usage,
  warnings
]

/** Every model that these files export, by name: the components of openapi.yaml. */
export const models = resources
  .flatMap(file => Object.values<unknown>(file).filter(isModel))
  .sort((a, b) => (a.$id < b.$id ? -1 : 1))
