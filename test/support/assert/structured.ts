/** An item of a list of structured fields (RFC 9651) that is a string with integer parameters. */
export interface Item {
  name: string
  parameters: Record<string, number>
}

const STRING = /^"((?:[ !#-[\]-~]|\\["\\])*)"/
const PARAMETER = /^; *([a-z*][a-z0-9_.*-]*)=(-?\d{1,15})(?![\d.])/

/**
 * Reads a list of strings with integer parameters, and takes nothing else.
 * @throws SyntaxError at the first character that does not belong there
 */
export const parseList = (text: string): Item[] => {
  const items: Item[] = []
  let rest = text
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    const found = pattern.exec(rest) ?? undefined
    rest = rest.slice(found?.[0].length ?? 0)
    return found
  }
  while (rest !== '') {
    if (items.length > 0 && !take(/^[ \t]*,[ \t]*/)) throw new SyntaxError(`no comma before ${rest} in ${text}`)
    const name = take(STRING)?.[1]
    if (name === undefined) throw new SyntaxError(`no string at ${rest} in ${text}`)
    const parameters: Record<string, number> = {}
    for (let found = take(PARAMETER); found; found = take(PARAMETER)) parameters[found[1] ?? ''] = Number(found[2])
    items.push({ name, parameters })
  }
  return items
}
