import { createHash } from 'node:crypto'

/** Derives the credentials of one sandbox: the same seed and name give the same secret, another seed a different one. */
export interface SecretSource {
  /** 32 lower-case hexadecimal digits. */
  token(name: string): string
  /** 16 hexadecimal digits, a hyphen, 16 more. */
  apiKey(name: string): string
  /** 24 letters and digits. */
  password(name: string): string
  /** 20 upper-case letters and digits. */
  accessKey(name: string): string
  /** 40 letters and digits. */
  secretKey(name: string): string
  /** Every secret issued so far. */
  all(): string[]
}

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const MIXED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** @param seed sandboxes with different seeds have different secrets */
export const createSecretSource = (seed: string): SecretSource => {
  const issued = new Set<string>()
  const issue = (secret: string) => {
    issued.add(secret)
    return secret
  }
  const digest = (kind: string, name: string) => createHash('sha512').update(`${seed}:${kind}:${name}`).digest()
  const hex = (kind: string, name: string) => digest(kind, name).toString('hex')
  const textOf = (kind: string, name: string, alphabet: string, length: number) =>
    [...digest(kind, name).subarray(0, length)].map(byte => alphabet.charAt(byte % alphabet.length)).join('')

  return {
    token: name => issue(hex('token', name).slice(0, 32)),
    apiKey: name => issue(`${hex('api-key', name).slice(0, 16)}-${hex('api-key', name).slice(16, 32)}`),
    password: name => issue(textOf('password', name, MIXED, 24)),
    accessKey: name => issue(textOf('access-key', name, UPPER, 20)),
    secretKey: name => issue(textOf('secret-key', name, MIXED, 40)),
    all: () => [...issued]
  }
}

/** Hexadecimal digits derived from a text: for tasks, cursors and prefixes, not for secrets. */
export const hexOf = (text: string, digits: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, digits)
