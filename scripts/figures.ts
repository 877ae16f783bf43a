import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** What the tests of a guarantee reached, and the day of that run. */
export interface Reached {
  on: string
  figures: string[]
}

/** By the name of the guarantee, or by the command of a long run. */
export type Figures = Record<string, Reached>

const FILE = 'docs/reference/figures.json'

/** The recorded figures. */
export const readFigures = (): Figures => (existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Figures) : {})

/** Records the figures of today; a test that did not run keeps its old ones. */
export const recordFigures = (reached: Record<string, string[]>): void => {
  const on = new Date().toISOString().slice(0, 10)
  const fresh = Object.entries(reached).map(([name, figures]) => [name, { on, figures }] as const)
  const all = Object.entries({ ...readFigures(), ...Object.fromEntries(fresh) }).sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(all), undefined, 2)}\n`)
}

/** The figures in the output of a test run: lines such as `# request-smuggling: 46 of 46 refused`. */
export const figuresIn = (log: string, names: readonly string[]): Record<string, string[]> => {
  const reached: Record<string, string[]> = {}
  for (const [, name = '', figure = ''] of log.matchAll(/^# ([a-z][a-z-]*): (.*)$/gm)) {
    if (names.includes(name)) reached[name] = [...(reached[name] ?? []), figure]
  }
  return reached
}
