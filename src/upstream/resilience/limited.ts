import type { Call } from '../call.ts'
import { type Bulkhead, createBulkhead } from './bulkhead.ts'
import type { CallClass } from './call-classes.ts'
import { classOf } from './call-classes.ts'

export type Bulkheads = Readonly<Record<CallClass['name'], Bulkhead>>

/** One lane for each class: a slow queue at HOSTKEY must not take the slots of everything else. */
export const createBulkheads = (): Bulkheads => ({
  read: createBulkhead(classOf.read),
  'async-read': createBulkhead(classOf['async-read']),
  write: createBulkhead(classOf.write),
  provision: createBulkhead(classOf.provision),
  login: createBulkhead(classOf.login)
})

/** Gives each call a slot of its class, or sends it away. */
export const withBulkhead =
  (call: Call, bulkheads: Bulkheads): Call =>
  (action, params, context) =>
    bulkheads[classOf[action.effect].name].run(() => call(action, params, context))
