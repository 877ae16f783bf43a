import { accounts } from './accounts.ts'
import { buckets } from './buckets.ts'
import type { Example } from './example.ts'
import { files } from './files.ts'
import { jobs } from './jobs.ts'
import { orders } from './orders.ts'
import { plans } from './plans.ts'
import { service } from './service.ts'
import { sessions } from './sessions.ts'
import { terminations } from './terminations.ts'
import { tokens } from './tokens.ts'

export type { Example, ExampleReply, ProblemExample } from './example.ts'
export { demoJob, demoPausedJob, demoProgress, demoResults } from './jobs.ts'
export { demoOrder } from './orders.ts'
export { commonProblems, unrouted } from './problems.ts'

/**
 * An example of every operation by `operationId`, valid on a fresh sandbox. `test/fast/contract/examples.test.ts` sends
 * each one as `openapi.yaml` shows it, and compares the reply.
 */
export const examples: Record<string, Example | undefined> = {
  ...sessions,
  ...tokens,
  ...accounts,
  ...terminations,
  ...buckets,
  ...files,
  ...jobs,
  ...plans,
  ...orders,
  ...service
}
