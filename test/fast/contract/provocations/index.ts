import type { ProblemName } from '../../../../schemas/problems.ts'
import { credentials } from './credentials.ts'
import { draining } from './draining.ts'
import { jobs } from './jobs.ts'
import { orders } from './orders.ts'
import { outages } from './outages.ts'
import type { Provocation, Provocations } from './provocation.ts'
import { byMessage, refusals } from './refusals.ts'
import { requests } from './requests.ts'
import { states } from './states.ts'

const provocations: Provocations = {
  ...requests,
  ...credentials,
  ...refusals,
  ...orders,
  ...jobs,
  ...outages,
  ...states,
  draining
}

/** How a problem is provoked at any operation that can answer it: by default HOSTKEY refuses with its message. */
export const provocationOf = (name: ProblemName): Provocation => provocations[name] ?? byMessage
