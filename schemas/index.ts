import { Account, AccountList, CreatedAccount, NewAccount } from './accounts.ts'
import { Bucket, BucketList, CreatedBucket, NewBucket } from './buckets.ts'
import { File, FileLine, FileList, Folder } from './files.ts'
import { Key } from './keys.ts'
import { CheckedOrder, NewOrder, Order } from './orders.ts'
import { Plan, PlanChange, PlanHistory, PlanList, Price } from './plans.ts'
import { ProblemDetails } from './problems.ts'
import { NewSession, Session } from './sessions.ts'
import { Status } from './status.ts'
import { BucketUsage, Usage, UsageSnapshot } from './usage.ts'
import { Warning } from './warnings.ts'

/** Every model: the components of openapi.yaml. */
export const models = [
  Account,
  AccountList,
  Bucket,
  BucketList,
  BucketUsage,
  CheckedOrder,
  CreatedAccount,
  CreatedBucket,
  File,
  FileLine,
  FileList,
  Folder,
  Key,
  NewAccount,
  NewBucket,
  NewOrder,
  NewSession,
  Order,
  Plan,
  PlanChange,
  PlanHistory,
  PlanList,
  Price,
  ProblemDetails,
  Session,
  Status,
  Usage,
  UsageSnapshot,
  Warning
]
