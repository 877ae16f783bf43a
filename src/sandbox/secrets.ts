import { createHash } from 'node:crypto'

/** Makes the credentials of one sandbox: the same seed and name give the same secret, another seed another. */
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
  /** Every secret that was ever made here. */
  all(): string[]
}

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const MIXED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** @param seed what makes the secrets of this sandbox different from those of any other. */
export const createSecretSource = (seed: string): SecretSource => {
  const made = new Set<string>()
  const remember = (secret: string) => {
    made.add(secret)
    return secret
  }
  const digest = (kind: string, name: string) => createHash('sha512').update(`${seed}:${kind}:${name}`).digest()
  const hex = (kind: string, name: string) => digest(kind, name).toString('hex')
  const spelled = (kind: string, name: string, alphabet: string, length: number) =>
    [...digest(kind, name).subarray(0, length)].map(byte => alphabet.charAt(byte % alphabet.length)).join('')

  return {
    token: name => remember(hex('token', name).slice(0, 32)),
    apiKey: name => remember(`${hex('api-key', name).slice(0, 16)}-${hex('api-key', name).slice(16, 32)}`),
    password: name => remember(spelled('password', name, MIXED, 24)),
    accessKey: name => remember(spelled('access-key', name, UPPER, 20)),
    secretKey: name => remember(spelled('secret-key', name, MIXED, 40)),
    all: () => [...made]
  }
}

/** Hexadecimal digits that follow from a text: names of tasks, cursors and prefixes, no secrets. */
export const hexOf = (text: string, digits: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, digits)
