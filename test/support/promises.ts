import type { PromiseName } from '../../scripts/docs/promise-catalogue.ts'

/** What of tap's test object is used here. */
interface Test {
  teardown(end: () => void): unknown
}

/**
 * Prints the figures of a test when it has ended, as its last lines: `# T-SMUG: 46 of 46 refused`. From there
 * `npm run promises` takes them.
 * @returns adds one figure
 */
export const figuresOf = (t: Test, name: PromiseName): ((figure: string) => void) => {
  const figures: string[] = []
  t.teardown(() => {
    for (const figure of figures) process.stdout.write(`# ${name}: ${figure}\n`)
  })
  return figure => figures.push(figure)
}
