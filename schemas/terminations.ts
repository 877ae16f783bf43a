import { type Static, Type } from 'typebox'
import { describe, model } from './model.ts'
import { Instant } from './scalars.ts'

export type Termination = Static<typeof Termination>
export const Termination = model('Termination', 'The scheduled end of a paid account.', {
  effectiveAt: Type.Union(
    [describe(Instant, 'When HOSTKEY ends the account; midnight UTC where it names a day.'), Type.Null()],
    {
      description: 'When HOSTKEY ends the account with its data; null when HOSTKEY did not tell.'
    }
  )
})
