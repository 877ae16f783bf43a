import type { Routes } from '../src/http/route.ts'
import { accounts } from './accounts.ts'
import { buckets } from './buckets.ts'
import { files } from './files.ts'
import { keys } from './keys.ts'
import { orders } from './orders.ts'
import { plans } from './plans.ts'
import { usage } from './usage.ts'

export { service } from './service.ts'
export { loginRoutes, session } from './sessions.ts'

/** Every operation that needs a caller, in the order in which the document lists them. */
export const authenticated: Routes[] = [accounts, buckets, files, keys, usage, plans, orders]
