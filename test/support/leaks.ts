/** A secret as it may stand in a text: as it is, and encoded. */
const forms = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  Buffer.from(secret).toString('base64url'),
  Buffer.from(secret).toString('hex'),
  JSON.stringify(secret).slice(1, -1)
]

/** Every secret that stands in one of the texts, in any form, with what is around it. */
export const leaksIn = (texts: readonly string[], secrets: readonly string[]): string[] => {
  const haystack = texts.join('\n')
  return [...new Set(secrets.flatMap(forms))]
    .filter(form => form.length >= 6 && haystack.includes(form))
    .map(form => haystack.slice(Math.max(0, haystack.indexOf(form) - 60), haystack.indexOf(form) + form.length + 20))
}
