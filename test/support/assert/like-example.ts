import type { Test } from 'tap'

/** Removes the members that vary and returns them; a pointer to nothing is an error of the document. */
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

/** Asserts that a body equals the example of the document, except for the members that vary. */
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
