/** The three base64 forms of a secret inside a longer text, without the characters that its neighbours influence. */
const within = (secret: string, encoding: 'base64' | 'base64url'): string[] =>
  [0, 1, 2].map(before => {
    const bytes = Buffer.from(' '.repeat(before) + secret)
    const text = bytes.toString(encoding).replace(/=+$/, '')
    return text.slice(before === 0 ? 0 : before + 1, bytes.length % 3 === 0 ? undefined : -1)
  })

/** A secret in plain and encoded forms. */
const forms = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  ...within(secret, 'base64'),
  ...within(secret, 'base64url'),
  Buffer.from(secret).toString('hex'),
  JSON.stringify(secret).slice(1, -1)
]

/** Every secret in one of the texts, in any form, with its surroundings. */
export const leaksIn = (texts: readonly string[], secrets: readonly string[]): string[] => {
  const haystack = texts.join('\n')
  return [...new Set(secrets.flatMap(forms))]
    .filter(form => form.length >= 6 && haystack.includes(form))
    .map(form => haystack.slice(Math.max(0, haystack.indexOf(form) - 60), haystack.indexOf(form) + form.length + 20))
}
