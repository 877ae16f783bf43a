/** Every string of a JSON text: a quote occurs only in strings. The pattern always matches, so it never backtracks. */
const STRINGS = /"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)/g

/**
 * Does an object in this text have a member twice? `JSON.parse` keeps the last one, other parsers the first: two servers
 * would read different requests.
 * @param text valid JSON
 * @param value the parsed text
 */
export const hasDuplicateMembers = (text: string, value: unknown): boolean => {
  let names = 0
  for (const { 0: string, index } of text.matchAll(STRINGS)) {
    // A string before a colon is the name of a member.
    const next = /\S/g
    next.lastIndex = index + string.length
    if (next.exec(text)?.[0] === ':') names += 1
  }
  return names !== membersIn(value)
}

/** Counts the members of all objects, without recursion: nesting may be as deep as the body is long. */
const membersIn = (value: unknown): number => {
  let members = 0
  const left = [value]
  while (left.length > 0) {
    const next = left.pop()
    if (typeof next !== 'object' || next === null) continue
    const inner = Object.values(next)
    if (!Array.isArray(next)) members += inner.length
    for (const each of inner) left.push(each)
  }
  return members
}
