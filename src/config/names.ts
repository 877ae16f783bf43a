import type { Setting } from './setting.ts'

/** Names shorter than this are warned about only with one wrong letter: two would find variables of other programs. */
const LONG_NAME = 12

/**
 * Variables that are almost settings: misspelled, in lower case, or `<NAME>_FILE` of a setting that is no secret. Nothing
 * reads them, so the operator believes in a value that is not used. One sentence each, without the value.
 */
export const misspelledNames = (table: readonly Setting[], env: NodeJS.ProcessEnv): string[] => {
  const known = new Set(
    table.flatMap(({ name, alias, secret }) => [name, alias ?? name, secret ? `${name}_FILE` : name])
  )
  const names = [...known]
  return Object.keys(env)
    .filter(name => !known.has(name) && env[name] !== '')
    .flatMap(name => {
      const plain = name.replace(/_FILE$/, '')
      if (known.has(plain))
        return [`${name} is not read: ${plain} is no secret, and its value comes only from ${plain}`]
      const near = names.find(each => isNear(name.toUpperCase(), each))
      return near === undefined ? [] : [`${name} is not a setting: is ${near} meant?`]
    })
}

const isNear = (given: string, name: string): boolean =>
  given.length > 3 &&
  Math.abs(given.length - name.length) <= 2 &&
  editDistance(given, name) <= (name.length < LONG_NAME ? 1 : 2)

/** How many letters must be inserted, removed, replaced or swapped with their neighbour (optimal string alignment). */
export const editDistance = (a: string, b: string): number => {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const at = (up: number, left: number) => rows[i - up]?.[j - left] ?? 0
      const isSame = a[i - 1] === b[j - 1]
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row[j] = Math.min(
        at(1, 0) + 1,
        (row[j - 1] ?? 0) + 1,
        at(1, 1) + (isSame ? 0 : 1),
        isSwapped ? at(2, 2) + 1 : Infinity
      )
    }
    rows.push(row)
  }
  return rows.at(-1)?.at(-1) ?? 0
}
