import type { CallClass } from './call-classes.ts'
import { classOf } from './call-classes.ts'
import type { Call } from '../client.ts'
import { createLane, type Lane } from './bulkhead.ts'

export type Lanes = Readonly<Record<CallClass['name'], Lane>>

/** One lane for each class: a slow queue at HOSTKEY must not take the slots of everything else. */
export const createLanes = (): Lanes => ({
  read: createLane(classOf.read),
  queue: createLane(classOf.queue),
  write: createLane(classOf.write),
  buy: createLane(classOf.buy),
  login: createLane(classOf.login)
})

/** Gives each call a slot of its class, or sends it away. */
export const limited =
  (call: Call, lanes: Lanes): Call =>
  (action, params, errand) =>
    lanes[classOf[action.effect].name].run(() => call(action, params, errand))
