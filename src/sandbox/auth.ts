import { BlockList, isIPv4 } from 'node:net'
import { phpInteger } from './php.ts'
import { authFailureReply, jsonReply, type Reply } from './reply.ts'
import type { ScriptRequest } from './script-request.ts'
import { MAX_TTL_SECONDS, openSession, sessionOf } from './sessions.ts'
import type { ApiKey, Customer, Session, State } from './state.ts'

/** Default lifetime of a token: 2 h and 3 h, both documented. */
const LOGIN_TTL_SECONDS = 7_200
const PASSWORD_TTL_SECONDS = 10_800

/** auth.php: login, whmcslogin, 2fa_check, info and logout. */
export const handleAuth = (state: State, request: ScriptRequest): Reply => {
  const has = (...names: string[]) => names.every(name => (request.fields.get(name) ?? '') !== '')
  const action = request.fields.get('action')
  if (action === 'login' && has('key')) return login(state, request)
  if (action === 'whmcslogin' && has('user', 'password')) return passwordLogin(state, request)
  if (action === '2fa_check' && has('token', 'user_token')) return secondFactor(state, request)
  if (action === 'info' && has('token')) return info(state, request)
  if (action === 'logout' && has('token')) return logout(state, request)
  return jsonReply({ result: -2, error: 'auth: malformed request #1' })
}

const login = (state: State, request: ScriptRequest): Reply => {
  const key = request.fields.get('key') ?? ''
  if (!/^[0-9a-f]{16}-[0-9a-f]{16}$/i.test(key)) return jsonReply({ result: -1, error: 'Incorrect API key format' })
  const [customer, apiKey] = ownerOf(state, key) ?? []
  if (!customer || !apiKey?.active) return jsonReply({ code: -1, message: 'Invalid key' })
  if (!isAllowed(apiKey, request.ip)) return jsonReply({ result: -1, error: 'IP not allowed' })
  if (customer.servers.length === 0) {
    return jsonReply({ result: -1, error: 'No appropriate servers found', code: 'NO_APPROPRIATE_SERVERS' })
  }
  return loginReply(
    state,
    request,
    customer,
    openSession(state, customer, requestedOptions(request, LOGIN_TTL_SECONDS))
  )
}

const passwordLogin = (state: State, request: ScriptRequest): Reply => {
  const email = request.fields.get('user')?.toLowerCase()
  const customer = [...state.customers.values()].find(customer => customer.email.toLowerCase() === email)
  if (customer?.password !== request.fields.get('password') || !customer) {
    return jsonReply({ result: -1, error: 'Invalid login or password' })
  }
  const twoFactorPending = customer.twoFactorCode !== undefined
  const session = openSession(state, customer, { ...requestedOptions(request, PASSWORD_TTL_SECONDS), twoFactorPending })
  return loginReply(state, request, customer, session, twoFactorPending ? { '2fa': 1 } : {})
}

const secondFactor = (state: State, request: ScriptRequest): Reply => {
  const session = sessionOf(state, request.fields.get('token'), request.ip)
  if (!session) return authFailureReply(state)
  const code = state.customers.get(session.customerId)?.twoFactorCode
  if (code === undefined || request.fields.get('user_token') !== code)
    return jsonReply({ code: -1, message: 'Invalid code' })
  session.twoFactorPending = false
  return jsonReply({ result: 'OK', action: '2fa_check' })
}

const logout = (state: State, request: ScriptRequest): Reply => {
  const session = sessionOf(state, request.fields.get('token'), request.ip)
  if (!session) return authFailureReply(state)
  state.sessions.delete(session.token)
  return jsonReply({ result: 'OK', action: 'logout' })
}

const info = (state: State, request: ScriptRequest): Reply => {
  const session = sessionOf(state, request.fields.get('token'), request.ip)
  const customer = state.customers.get(session?.customerId ?? 0)
  if (!session || !customer) return authFailureReply(state)
  if (session.twoFactorPending && state.behaviours.pendingInfo === 'refused') return authFailureReply(state)
  const { role, permissions, servers, whmcsId, billing, email, id } = customer
  return jsonReply({
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
        native_endpoint: `http://${request.host}/`
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

const loginReply = (
  state: State,
  { host }: ScriptRequest,
  customer: Customer,
  session: Session,
  more: object = {}
): Reply => {
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
  return jsonReply(shapes[state.behaviours.loginShape])
}

const requestedOptions = ({ fields, ip }: ScriptRequest, defaultTtlSeconds: number) => ({
  ttlSeconds: Math.min(Math.max(phpInteger(fields.get('ttl') ?? '') ?? defaultTtlSeconds, 1), MAX_TTL_SECONDS),
  boundIp: fields.get('fix_ip') === '1' ? ip : undefined
})

const ownerOf = (state: State, key: string): [Customer, ApiKey] | undefined => {
  for (const customer of state.customers.values()) {
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
