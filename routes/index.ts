import type { Routes } from '../src/http/route.ts'
import { accountRoutes } from './accounts.ts'
import { bucketRoutes } from './buckets.ts'
import { fileRoutes } from './files.ts'
import { jobRoutes } from './jobs.ts'
import { keyRoutes } from './keys.ts'
import { orderRoutes } from './orders.ts'
import { planRoutes } from './plans.ts'
import { presignedUrlRoutes } from './presigned-urls.ts'
import { terminationRoutes } from './terminations.ts'
import { usageRoutes } from './usage.ts'

export { serviceRoutes } from './service.ts'
export { loginRoutes, sessionRoutes } from './sessions.ts'
export { tokenRoutes } from './tokens.ts'

/** Every operation that needs a caller, in the order in which the document lists them. */
export const authenticated: Routes[] = [
  accountRoutes,
  terminationRoutes,
  bucketRoutes,
  fileRoutes,
  jobRoutes,
  keyRoutes,
  presignedUrlRoutes,
  usageRoutes,
  planRoutes,
  orderRoutes
]
