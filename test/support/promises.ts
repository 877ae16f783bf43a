import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PromiseName } from '../../scripts/docs/promise-catalogue.ts'

/** What of tap's test object is used here. */
interface Test {
  teardown(end: () => void): unknown
}

/**
 * Prints the figures of a test when it has ended, as its last lines, and leaves them for `npm run promises` in the
 * folder that `FIGURES_DIR` names.
 * @returns adds one figure, such as `46 of 46 refused`
 */
export const figuresOf = (t: Test, name: PromiseName): ((figure: string) => void) => {
  const figures: string[] = []
  t.teardown(() => {
    for (const figure of figures) process.stdout.write(`# ${name}: ${figure}\n`)
    const folder = process.env['FIGURES_DIR']
    if (folder === undefined) return
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `${name}.${process.pid}.json`), JSON.stringify(figures))
  })
  return figure => figures.push(figure)
}
