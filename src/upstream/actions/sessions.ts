import { Type } from 'typebox'
import { action, eitherOf, inOrder, matches } from './action.ts'

/** A token and its customer. Only the token is required: one documented answer of login has little else. */
const Grant = Type.Object({
  token: Type.String({ minLength: 1, 'x-secret': true }),
  role: Type.Optional(Type.String()),
  role_type: Type.Optional(Type.String()),
  email: Type.Optional(Type.String()),
  customer_id: Type.Optional(Type.Integer()),
  /** Unix seconds. */
  token_expire: Type.Optional(Type.Integer()),
  '2fa': Type.Optional(Type.Unknown())
})

/** A token that needs a second factor is refused everywhere. The member that says so is assumed. */
const findSecondFactor = ({ '2fa': mark }: { '2fa'?: unknown }) =>
  isTrueInPhp(mark) ? ('two-factor-required' as const) : undefined

const isTrueInPhp = (value: unknown): boolean => {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value) && value !== '0'
}

const example = {
  token: '0123456789abcdef0123456789abcdef',
  role: 'Customer',
  email: 'customer@example.com',
  customer_id: 54321,
  token_expire: 1698400800
}

const notAllowed = matches(/IP not allowed|permission denied|access denied/i, 'IP not allowed')
const secondFactor = matches(/2fa|two.?factor|second factor/i, 'Two-factor authentication required')

/** auth/login: a token for an API key. HOSTKEY refuses customers without servers (observed). */
export const login = action({
  name: 'login',
  script: 'auth.php',
  effect: 'login',
  params: Type.Object({ key: Type.String(), ttl: Type.Integer(), fix_ip: Type.Integer() }),
  result: Grant,
  example,
  failures: {
    'api-key-login-unavailable': matches(
      /No appropriate servers found|NO_APPROPRIATE_SERVERS/i,
      'No appropriate servers found'
    ),
    'two-factor-required': secondFactor,
    'invalid-credentials': matches(
      /Incorrect API key format|Invalid (API )?key|API key (not found|is (empty|disabled|inactive))/i,
      'Incorrect API key format'
    ),
    forbidden: notAllowed
  },
  refusalsInSuccess: ['two-factor-required'],
  findRefusal: findSecondFactor
})

/** auth/whmcslogin: a token for e-mail address and password. Works for customers without servers. */
export const passwordLogin = action({
  name: 'whmcslogin',
  script: 'auth.php',
  effect: 'login',
  params: Type.Object({ user: Type.String(), password: Type.String(), ttl: Type.Integer(), fix_ip: Type.Integer() }),
  result: Grant,
  example,
  failures: {
    'two-factor-required': secondFactor,
    'invalid-credentials': matches(
      eitherOf(
        inOrder(/invalid|incorrect|wrong|bad/i, /login|password|user|credential|e-?mail/i),
        /(user|login|account|customer) not found/i
      ),
      'Invalid login or password'
    ),
    forbidden: notAllowed
  },
  refusalsInSuccess: ['two-factor-required'],
  findRefusal: findSecondFactor
})

/** auth/info: the customer of a token. */
export const tokenInfo = action({
  name: 'info',
  script: 'auth.php',
  effect: 'token-lookup',
  params: Type.Object({ token: Type.String() }),
  result: Grant,
  example,
  failures: {},
  refusalsInSuccess: ['two-factor-required'],
  findRefusal: findSecondFactor
})

/** auth/logout: ends a token. */
export const logout = action({
  name: 'logout',
  script: 'auth.php',
  effect: 'login',
  params: Type.Object({ token: Type.String() }),
  result: Type.Object({}),
  example: {},
  failures: {}
})
