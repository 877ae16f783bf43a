import { type Static, Type } from 'typebox'
import { model, told } from './model.ts'
import { CustomerId, Instant, OwnText, Secret, Text } from './scalars.ts'

/** Visible characters without spaces, as credentials are printed. */
const PRINTABLE = '^[!-~]+$'

export type NewSession = Static<typeof NewSession>
export const NewSession = model(
  'NewSession',
  'A credential, used once and not kept: an API key, or e-mail address and password, or a HOSTKEY token.',
  {
    apiKey: Type.Optional(
      Type.String({ ...Secret('An API key of HOSTKEY.'), pattern: PRINTABLE, minLength: 1, maxLength: 256 })
    ),
    email: Type.Optional(
      Type.String({
        pattern: '^[^\\s@]{1,64}@[^\\s@]{1,255}$',
        maxLength: 320,
        description: 'E-mail address of the customer.'
      })
    ),
    password: Type.Optional(
      Type.String({
        ...Secret('The customer’s password.'),
        pattern: '^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]+$',
        minLength: 1,
        maxLength: 1024
      })
    ),
    token: Type.Optional(
      Type.String({ ...Secret('A HOSTKEY token.'), pattern: PRINTABLE, minLength: 1, maxLength: 4096 })
    )
  },
  { minProperties: 1 }
)

export type Session = Static<typeof Session>
export const Session = model(
  'Session',
  'Who the caller is, what it may do, and until when. The token itself never leaves the gateway.',
  {
    expiresAt: Type.Optional(
      told(Instant, 'When it ends at the latest. A session ends sooner after 15 minutes without a request.')
    ),
    customerId: Type.Optional(told(CustomerId, 'Number of the customer at HOSTKEY.')),
    email: Type.Optional(Text(320, 'E-mail address of the customer.')),
    role: Type.Optional(Text(64, 'Role at HOSTKEY.')),
    scopes: Type.Array(OwnText(32, '^[a-z]+(:[a-z]+)?$', 'A scope.'), {
      maxItems: 20,
      description: 'What the caller may do.'
    })
  }
)

/** The header that every request by cookie carries: no page of another site can set it. */
export const CsrfHeader = Type.Object({
  'x-csrf': Type.Optional(
    Type.String({
      pattern: '^1$',
      maxLength: 1,
      description: '`1`, with every request by cookie, and to log in and out.'
    })
  )
})
