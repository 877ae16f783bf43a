import { Type } from 'typebox'
import { action, matches } from './action.ts'

/** s3/show_key: one half of the key pair, in clear. Every call discloses a secret: never cached, never shared. */
export const showKey = action({
  name: 'show_key',
  effect: 'secret',
  params: Type.Object({ s3uid: Type.String(), s3_key: Type.Enum(['access_key', 'secret_key']) }),
  result: Type.Object({ key: Type.String({ minLength: 1, 'x-secret': true }) }),
  example: { key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  failures: {
    'invalid-request': matches(/^invalid key$/i, 'invalid key')
  }
})
