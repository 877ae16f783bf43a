import { type Static, Type } from 'typebox'
import { model, oneOf } from './model.ts'

export type Status = Static<typeof Status>
export const Status = model('Status', 'Liveness or readiness of this replica.', {
  status: oneOf(['ok', 'unready'], { description: '`unready`: this replica is draining, or its store is unavailable.' })
})

export const NoContent = Type.Null({ description: 'Done.' })

export const NotModified = Type.Null({ description: 'The version that the caller has is current.' })
