import { type Static, Type } from 'typebox'
import { model, oneOf } from './model.ts'

export type Status = Static<typeof Status>
export const Status = model('Status', 'Is the gateway alive, or ready?', {
  status: oneOf(['ok', 'unready'], { description: 'The answer.' })
})

export const NoContent = Type.Null({ description: 'Done.' })

export const NotModified = Type.Null({ description: 'The reply that the caller has is still the right one.' })
