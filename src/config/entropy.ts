/** What people type where a secret is asked for; whatever continues a part of it adds nothing. */
const KNOWN =
  'abcdefghijklmnopqrstuvwxyz0123456789qwertyuiopasdfghjklzxcvbnm1234567890password-secret-changeme-change-me-please-example-default-session-gateway-hostkey'
const REVERSED = [...KNOWN].reverse().join('')

/** 3 characters that stand together somewhere before: a repetition. */
const REPEATED = 3

/** 64 bits: beyond what can be tried. */
const MIN_BITS = 64

/**
 * Can the secret be guessed? Counts the characters that continue neither something known, such as a sequence, nor something
 * that is in the secret already. A random secret of 32 characters has about twice as many bits as are asked for.
 */
export const isGuessable = (secret: string): boolean => {
  const text = secret.toLowerCase()
  let fresh = 0
  for (let at = 0; at < text.length; at += 1) {
    const end = text.slice(Math.max(0, at - REPEATED + 1), at + 1)
    const isKnown = end.length === REPEATED && (KNOWN.includes(end) || REVERSED.includes(end))
    if (!isKnown && !text.slice(0, at).includes(end)) fresh += 1
  }
  return fresh * Math.log2(new Set(text).size) < MIN_BITS
}
