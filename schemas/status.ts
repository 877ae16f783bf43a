import { type Static, Type } from 'typebox'
import { model, oneOf } from './model.ts'

export type Status = Static<typeof Status>
export const Status = model('Status', 'Whether the gateway is alive, or ready.', {
  status: oneOf(['ok', 'unready'], { description: '`unready`: this replica drains, or its store does not answer.' })
})

export const NoContent = Type.Null({ description: 'Done.' })

export const NotModified = Type.Null({ description: 'The reply that the caller has is still the right one.' })
