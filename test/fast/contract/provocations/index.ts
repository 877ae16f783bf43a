import { credentials } from './credentials.ts'
import { draining } from './draining.ts'
import { orders } from './orders.ts'
import { outages } from './outages.ts'
import type { Provocations } from './provocation.ts'
import { refusals } from './refusals.ts'
import { requests } from './requests.ts'
import { states } from './states.ts'

/** How each problem is provoked at any operation that can answer it. */
export const provocations: Provocations = {
  ...requests,
  ...credentials,
  ...refusals,
  ...orders,
  ...outages,
  ...states,
  draining
}
