import type { Test } from 'tap'

/** The members that vary, each taken out of its place; a pointer that leads nowhere is a fault of the document. */
const takenOut = (body: unknown, pointers: readonly string[]): [rest: unknown, taken: unknown[]] => {
  const rest = structuredClone(body)
  const taken = pointers.map(pointer => {
    const names = pointer.slice(1).split('/')
    const last = names.pop() ?? ''
    const parent = names.reduce<Record<string, unknown>>((place, name) => Object(place[name]), Object(rest))
    const value = parent[last]
    delete parent[last]
    return value
  })
  return [rest, taken]
}

/** Asserts that a body is what the document shows, but for the members that it says to be others each time. */
export const isLikeExample = (
  t: Test,
  body: unknown,
  example: unknown,
  varies: readonly string[] = [],
  label = 'the body'
): void => {
  const [documented, shown] = takenOut(example, varies)
  const [said, heard] = takenOut(body, varies)
  t.strictSame(said, documented, label)
  for (const [n, pointer] of varies.entries()) {
    t.ok(shown[n], `${label}: ${pointer} is in the example`)
    t.equal(typeof heard[n], typeof shown[n], `${label}: ${pointer} has the shape of the example`)
  }
}
