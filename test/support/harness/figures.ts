import type { GuaranteeName } from '../../../scripts/docs/guarantee-catalogue.ts'
import type { Lifetime } from './lifetime.ts'

/**
 * Prints the figures of a test as its last lines: `# request-smuggling: 46 of 46 refused`. `npm run guarantees` records
 * them.
 * @returns adds a figure
 */
export const figuresOf = (t: Lifetime, name: GuaranteeName): ((figure: string) => void) => {
  const figures: string[] = []
  t.after(async () => {
    for (const figure of figures) process.stdout.write(`# ${name}: ${figure}\n`)
  })
  return figure => figures.push(figure)
}
