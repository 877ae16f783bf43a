/** What a caller may be allowed to do; each operation names the one that it needs. */
export const scopes = [
  'accounts:read',
  'accounts:write',
  'accounts:delete',
  'buckets:read',
  'buckets:write',
  'files:read',
  'files:delete',
  'keys:read',
  'orders:write',
  'plans:read',
  'admin'
] as const

export type Scope = (typeof scopes)[number]

/** What a customer may do: everything but what HOSTKEY keeps for its own people. */
export const customerScopes: readonly Scope[] = scopes.filter(scope => scope !== 'admin')

/** The scopes of a role at HOSTKEY. */
export const scopesOfRole = (role: string | undefined): readonly Scope[] =>
  role !== undefined && /^admin/i.test(role) ? scopes : customerScopes
