import { type Static, Type } from 'typebox'
import { describe, model } from './model.ts'
import { CustomerId, Instant, OwnText, Secret, Text } from './scalars.ts'

/** Printable ASCII without spaces. */
const PRINTABLE = '^[!-~]+$'

export type NewSession = Static<typeof NewSession>
export const NewSession = model(
  'NewSession',
  'One credential: an API key, or e-mail address and password, or a HOSTKEY token. The gateway uses it once and does not store it.',
  {
    apiKey: Type.Optional(
      Type.String({ ...Secret('An API key of HOSTKEY.'), pattern: PRINTABLE, minLength: 1, maxLength: 256 })
    ),
    email: Type.Optional(
      Type.String({
        // ASCII only: letters that look alike, and those without a width, would be other accounts for the login limits.
        pattern: '^ {0,8}[!-?A-~]{1,64}@[!-?A-~]{1,255} {0,8}$',
        maxLength: 336,
        description: 'E-mail address of the customer, in ASCII. Spaces around it are ignored.'
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
  'Identity, scopes and expiry of the caller. The token never leaves the gateway.',
  {
    expiresAt: Type.Optional(
      describe(Instant, 'Latest end of the session. It ends earlier after 15 minutes without a request.')
    ),
    customerId: Type.Optional(describe(CustomerId, 'Number of the customer at HOSTKEY.')),
    email: Type.Optional(Text(320, 'E-mail address of the customer.')),
    role: Type.Optional(Text(64, 'Role at HOSTKEY.')),
    scopes: Type.Array(OwnText(32, '^[a-z]+(:[a-z]+)?$', 'A scope.'), {
      maxItems: 20,
      description: 'Scopes of the caller.'
    })
  }
)

/** The header that every request with the session cookie must carry: a page of another site cannot set it. */
export const CsrfHeader = Type.Object({
  'x-csrf': Type.Optional(
    Type.String({
      pattern: '^1$',
      maxLength: 1,
      description: '`1`: required with the session cookie, to log in and to log out.'
    })
  )
})
