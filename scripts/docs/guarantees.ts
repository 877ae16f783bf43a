import { globSync } from 'node:fs'
import { type Figures, readFigures } from '../figures.ts'
import { type GuaranteeName, guarantees } from './guarantee-catalogue.ts'
import { code, page, table } from './markdown.ts'

/** `redis-outage.test.ts` and `redis-outage-errors.test.ts` both test `redis-outage`. */
const filesOf = (name: GuaranteeName): string[] =>
  globSync([`test/guarantees/${name}{,-*}.test.ts`, `test/long/${name}{,-*}.test.ts`, `test/long/${name}.ts`]).sort()

const reachedOf = (figures: Figures, name: string): string => {
  const reached = figures[name]
  return reached ? `${reached.figures.join('; ')} (${reached.on})` : 'not measured'
}

/** @throws Error when a guarantee has no test */
export const guaranteesPage = (): string => {
  const figures = readFigures()
  const names = Object.keys(guarantees) as GuaranteeName[]
  const rows = names.map(name => {
    const files = filesOf(name)
    const { guarantee, figure } = guarantees[name]
    if (files.length === 0) throw new Error(`${name} has no test in test/guarantees or test/long`)
    return [guarantee, [name, ...files.map(code)].join(' '), figure, reachedOf(figures, name)]
  })
  const long = Object.keys(figures).filter(name => !names.includes(name as GuaranteeName))
  return page(
    'Guarantees',
    '`scripts/docs/guarantee-catalogue.ts` and the figures of the last runs (`npm run guarantees`)',
    'Each guarantee of the gateway, its tests, the figure that they must reach, and the figure that the last recorded run reached. Counts are exact. Times were measured on a machine with two cores that also did other work. `npm test` runs a short case of each test, `npm run test:long` a longer one, and `npm run guarantees` runs them in full and records the figures.',
    table(['Guarantee', 'Tests', 'Required', 'Last run'], rows),
    '## Long runs',
    'Commands that run for minutes to hours, by hand.',
    table(
      ['Command', 'Last run'],
      long.map(name => [code(name), reachedOf(figures, name)])
    )
  )
}
