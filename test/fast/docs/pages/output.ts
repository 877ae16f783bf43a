/** Members that differ at each run. */
const VOLATILE = new Set([
  'instance',
  'requestId',
  'time',
  'ms',
  'upstreamMs',
  'ip',
  'expiresAt',
  'idleExpiresAt',
  'caller'
])

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Does the text match the expected one, in which `…` stands for any text within a line? */
const fitsText = (actual: string, expected: string): boolean => {
  const parts = expected.split('…').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(actual)
}

/** The first difference between two JSON values, or undefined. Volatile members must exist; their values may differ. */
const difference = (actual: unknown, expected: unknown, at: string): string | undefined => {
  if (typeof actual === 'string' && typeof expected === 'string' && fitsText(actual, expected)) return undefined
  if (!isObject(actual) || !isObject(expected)) {
    return actual === expected
      ? undefined
      : `${at || '/'} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`
  }
  const [theirs, ours] = [new Map(Object.entries(actual)), new Map(Object.entries(expected))]
  const names = [...theirs.keys()].sort().join()
  if (names !== [...ours.keys()].sort().join())
    return `${at || '/'} has ${names}, not ${[...ours.keys()].sort().join()}`
  for (const [name, value] of theirs) {
    const found = VOLATILE.has(name) ? undefined : difference(value, ours.get(name), `${at}/${name}`)
    if (found !== undefined) return found
  }
  return undefined
}

/** The first difference between the output of a command and the output on the page, or undefined. */
export const outputDifference = (printed: string, expected: string, language: string): string | undefined => {
  if (language === 'json') {
    try {
      return difference(JSON.parse(printed), JSON.parse(expected), '')
    } catch (error) {
      return `${error instanceof Error ? error.message : 'no JSON'}: ${printed.slice(0, 300)}`
    }
  }
  const [theirs, ours] = [printed.trim().split('\n'), expected.trim().split('\n')]
  const wrong = ours.findIndex((line, place) => !fitsText((theirs[place] ?? '').trimEnd(), line.trimEnd()))
  if (wrong !== -1) return `line ${wrong + 1} is ${JSON.stringify(theirs[wrong])}, not ${JSON.stringify(ours[wrong])}`
  return theirs.length === ours.length
    ? undefined
    : `${theirs.length} lines, not ${ours.length}: ${printed.slice(0, 300)}`
}
