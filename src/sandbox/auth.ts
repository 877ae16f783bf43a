import { BlockList, isIPv4 } from 'node:net'
import { phpInteger } from './php.ts'
import { authFailure, type Reply, said } from './reply.ts'
import type { Asked } from './s3.ts'
import { MAX_TTL_SECONDS, openSession, sessionOf } from './sessions.ts'
import type { ApiKey, Customer, Session, World } from './world.ts'

/** Life of a token when nobody asks: 2 h and 3 h, both documented. */
const LOGIN_TTL_SECONDS = 7_200
const PASSWORD_TTL_SECONDS = 10_800

/** auth.php: login, whmcslogin, 2fa_check, info and logout. */
export const answerAuth = (world: World, asked: Asked): Reply => {
  const has = (...names: string[]) => names.every(name => (asked.fields.get(name) ?? '') !== '')
  const action = asked.fields.get('action')
  if (action === 'login' && has('key')) return login(world, asked)
  if (action === 'whmcslogin' && has('user', 'password')) return passwordLogin(world, asked)
  if (action === '2fa_check' && has('token', 'user_token')) return secondFactor(world, asked)
  if (action === 'info' && has('token')) return info(world, asked)
  if (action === 'logout' && has('token')) return logout(world, asked)
  return said({ result: -2, error: 'auth: malformed request #1' })
}

const login = (world: World, asked: Asked): Reply => {
  const key = asked.fields.get('key') ?? ''
  if (!/^[0-9a-f]{16}-[0-9a-f]{16}$/i.test(key)) return said({ result: -1, error: 'Incorrect API key format' })
  const [customer, apiKey] = ownerOf(world, key) ?? []
  if (!customer || !apiKey?.active) return said({ code: -1, message: 'Invalid key' })
  if (!isAllowed(apiKey, asked.ip)) return said({ result: -1, error: 'IP not allowed' })
  if (customer.servers.length === 0) {
    return said({ result: -1, error: 'No appropriate servers found', code: 'NO_APPROPRIATE_SERVERS' })
  }
  return loggedIn(world, asked, customer, openSession(world, customer, wishes(asked, LOGIN_TTL_SECONDS)))
}

const passwordLogin = (world: World, asked: Asked): Reply => {
  const email = asked.fields.get('user')?.toLowerCase()
  const customer = [...world.customers.values()].find(customer => customer.email.toLowerCase() === email)
  if (customer?.password !== asked.fields.get('password') || !customer) {
    return said({ result: -1, error: 'Invalid login or password' })
  }
  const twoFactorPending = customer.twoFactorCode !== undefined
  const session = openSession(world, customer, { ...wishes(asked, PASSWORD_TTL_SECONDS), twoFactorPending })
  return loggedIn(world, asked, customer, session, twoFactorPending ? { '2fa': 1 } : {})
}

const secondFactor = (world: World, asked: Asked): Reply => {
  const session = sessionOf(world, asked.fields.get('token'), asked.ip)
  if (!session) return authFailure(world)
  const code = world.customers.get(session.customerId)?.twoFactorCode
  if (code === undefined || asked.fields.get('user_token') !== code) return said({ code: -1, message: 'Invalid code' })
  session.twoFactorPending = false
  return said({ result: 'OK', action: '2fa_check' })
}

const logout = (world: World, asked: Asked): Reply => {
  const session = sessionOf(world, asked.fields.get('token'), asked.ip)
  if (!session) return authFailure(world)
  world.sessions.delete(session.token)
  return said({ result: 'OK', action: 'logout' })
}

const info = (world: World, asked: Asked): Reply => {
  const session = sessionOf(world, asked.fields.get('token'), asked.ip)
  const customer = world.customers.get(session?.customerId ?? 0)
  if (!session || !customer) return authFailure(world)
  if (session.twoFactorPending && world.switches.pendingInfo === 'dead') return authFailure(world)
  const { role, permissions, servers, whmcsId, billing, email, id } = customer
  return said({
    result: {
      token: session.token,
      role,
      role_type: role,
      role_name: 'customer_billing',
      permissions,
      servers,
      whmcs_id: whmcsId,
      whmcs_location: billing,
      email,
      customer_id: id,
      token_expire: session.expiresAt,
      verified: true,
      corporate: false,
      default_lang: 'en',
      billing_options: {
        location: billing,
        company: 'HOSTKEY B.V.',
        active: true,
        allowed_payments: ['credit'],
        native_endpoint: `http://${asked.host}/`
      },
      private_ranges: [],
      private_vlans: [],
      deploy_keys: {},
      billing_servers: servers,
      show_products: 1,
      manage_products: 1,
      show_invoices: 1,
      manage_orders: 1,
      ipsubnet_announce: 1,
      ...(session.twoFactorPending && { '2fa': 1 })
    }
  })
}

const loggedIn = (world: World, { host }: Asked, customer: Customer, session: Session, more: object = {}): Reply => {
  const payload = {
    token: session.token,
    role: customer.role === 'Admin' ? 'Admin' : 'Customer billing',
    servers: customer.servers,
    permissions: customer.permissions,
    whmcs_id: customer.whmcsId,
    customer_id: customer.id,
    email: customer.email,
    token_expire: session.expiresAt,
    invapi: host,
    ...more
  }
  const shapes = { nested: { result: payload }, flat: payload, flatWithResult0: { result: 0, ...payload } }
  return said(shapes[world.switches.loginShape])
}

const wishes = ({ fields, ip }: Asked, defaultTtlSeconds: number) => ({
  ttlSeconds: Math.min(Math.max(phpInteger(fields.get('ttl') ?? '') ?? defaultTtlSeconds, 1), MAX_TTL_SECONDS),
  boundIp: fields.get('fix_ip') === '1' ? ip : undefined
})

const ownerOf = (world: World, key: string): [Customer, ApiKey] | undefined => {
  for (const customer of world.customers.values()) {
    const apiKey = customer.apiKeys.find(apiKey => apiKey.key === key)
    if (apiKey) return [customer, apiKey]
  }
  return undefined
}

const isAllowed = ({ ipAcl }: ApiKey, ip: string): boolean => {
  const allowed = new BlockList()
  for (const entry of ipAcl) {
    const [address = '', bits = '32'] = entry.split('/')
    allowed.addSubnet(address, Number(bits), 'ipv4')
  }
  return ipAcl.length === 0 || (isIPv4(ip) && allowed.check(ip))
}
