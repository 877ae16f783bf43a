/** Permissions of a caller. An operation needs at most one. */
export const scopes = [
  'accounts:read',
  'accounts:write',
  'accounts:delete',
  'buckets:read',
  'buckets:write',
  'files:read',
  'files:delete',
  'files:download',
  'files:upload',
  'keys:read',
  'orders:write',
  'plans:read',
  'admin'
] as const

export type Scope = (typeof scopes)[number]

/** Scopes of a customer: all but `admin`, which is for HOSTKEY's staff. */
export const customerScopes: readonly Scope[] = scopes.filter(scope => scope !== 'admin')

/** The scopes of a role at HOSTKEY. */
export const scopesOfRole = (role: string | undefined): readonly Scope[] =>
  role !== undefined && /^admin/i.test(role) ? scopes : customerScopes
