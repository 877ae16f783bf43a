/** What no text for people shows: patterns, code, PHP, names of HOSTKEY's fields and actions, values of JavaScript. */
const INNER = [
  [/\[\^|\\[dswux]|\(\?|\^\w|\w\$|\{\d+,/, 'a pattern'],
  [/<\w+[^>]*>(?<!<token>)|\bphp\b|stack trace|\bline \d+|Warning:|Fatal error/i, 'a text of PHP'],
  [/\b[a-z]+\d?_[a-z_\d]+\b/, 'a name of HOSTKEY'],
  [/\b(undefined|NaN|null|true|false|\[object|Error:|ECONN\w*|E[A-Z]{5,})\b/, 'a value of JavaScript'],
  [/\b(additionalProperties|anyOf|oneOf|enum|schema|regex|regular expression)\b/, 'a word of the validator'],
  [/\{\w*\}|\$\{|%s/, 'a placeholder']
] as const

/** The faults of a sentence for people, or of a part of one. */
export const innerWordsIn = (text: string): string[] =>
  INNER.filter(([pattern]) => pattern.test(text)).map(([, what]) => `${what}: ${text}`)

/** The faults of a `detail`: inner words, or no sentence. */
export const detailFaults = (detail: string): string[] => [
  ...innerWordsIn(detail),
  ...(/^[A-Z`].*[.]$/s.test(detail) ? [] : [`no sentence: ${detail}`]),
  ...(/refused\.$/.test(detail) ? [`does not say why: ${detail}`] : [])
]
