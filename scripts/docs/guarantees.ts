import { globSync } from 'node:fs'
import { type Figures, readFigures } from '../figures.ts'
import { type GuaranteeName, promises } from './guarantee-catalogue.ts'
import { code, page, table } from './markdown.ts'

/** Each test of the folder by its name: `t-redis.test.ts` and `t-redis-errors.test.ts` are redis-outage. */
const filesOf = (name: GuaranteeName): string[] =>
  globSync([`test/guarantees/${name}{,-*}.test.ts`, `test/long/${name}.ts`]).sort()

const reachedOf = (figures: Figures, name: string): string => {
  const reached = figures[name]
  return reached ? `${reached.figures.join('; ')} (${reached.on})` : 'not measured'
}

/** @throws Error when a promise has no test */
export const guaranteesPage = (): string => {
  const figures = readFigures()
  const names = Object.keys(promises) as GuaranteeName[]
  const rows = names.map(name => {
    const files = filesOf(name)
    const { promise, figure } = promises[name]
    if (files.length === 0) throw new Error(`${name} has no test in test/guarantees`)
    return [promise, [name, ...files.map(code)].join(' '), figure, reachedOf(figures, name)]
  })
  const long = Object.keys(figures).filter(name => !names.includes(name as GuaranteeName))
  return page(
    'Promises',
    '`scripts/docs/guarantee-catalogue.ts` and the figures of the last runs (`npm run promises`)',
    'What this gateway promises, the test that holds it to it, the figure that the test must reach, and the figure that the last recorded run has reached. Times are those of a machine with two cores that does other work too; counts are exact.',
    table(['Promise', 'Test', 'Figure to reach', 'Figure reached'], rows),
    '## Long runs',
    'Too long for each change. They are commands of their own.',
    table(
      ['Command', 'Figure reached'],
      long.map(name => [code(name), reachedOf(figures, name)])
    )
  )
}
