import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** What the tests of a promise have reached, and the day of that run. */
export interface Reached {
  on: string
  figures: string[]
}

/** By the name of the promise, or the command of a long run. */
export type Figures = Record<string, Reached>

const FILE = 'docs/reference/figures.json'

/** What was reached so far. */
export const readFigures = (): Figures => (existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Figures) : {})

/** Writes down what was reached today; what was not run keeps its figures. */
export const recordFigures = (reached: Record<string, string[]>): void => {
  const on = new Date().toISOString().slice(0, 10)
  const fresh = Object.entries(reached).map(([name, figures]) => [name, { on, figures }] as const)
  const all = Object.entries({ ...readFigures(), ...Object.fromEntries(fresh) }).sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(all), undefined, 2)}\n`)
}

/** What the tests of a run have printed: lines such as `# request-smuggling: 46 of 46 refused`. */
export const figuresIn = (log: string): Record<string, string[]> => {
  const reached: Record<string, string[]> = {}
  for (const [, name = '', figure = ''] of log.matchAll(/^# (T-[A-Z0-9]+): (.*)$/gm)) {
    reached[name] = [...(reached[name] ?? []), figure]
  }
  return reached
}
