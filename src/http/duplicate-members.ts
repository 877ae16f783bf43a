/** Every string of a JSON text: nothing else holds a quote. It cannot fail, so that no text makes it start over and over. */
const STRINGS = /"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)/g

/**
 * Does an object in this text name a member twice? `JSON.parse` keeps the last one, other readers the first: two that
 * look at one request see two.
 * @param text JSON that was parsed without an error
 * @param value what came of it
 */
export const hasDuplicateMembers = (text: string, value: unknown): boolean => {
  let named = 0
  for (const { 0: string, index } of text.matchAll(STRINGS)) {
    // A colon makes it the name of a member.
    const next = /\S/g
    next.lastIndex = index + string.length
    if (next.exec(text)?.[0] === ':') named += 1
  }
  return named !== membersIn(value)
}

/** All members of all objects, without recursion: a list may be nested as deep as the body is long. */
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
