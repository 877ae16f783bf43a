import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** The text of each generated file, by its path. */
export type Generated = Record<string, string>

const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '')

/** Writes the files whose text has changed. @returns their paths */
export const writeGenerated = (files: Generated): string[] => {
  const changed = Object.entries(files).filter(([path, text]) => read(path) !== text)
  for (const [path, text] of changed) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  return changed.map(([path]) => path)
}

/** @returns for each file that differs from its text: its path, and the first line that differs */
export const compareGenerated = (files: Generated): string[] =>
  Object.entries(files).flatMap(([path, text]) => {
    const actual = read(path).split('\n')
    const expected = text.split('\n')
    const longer = actual.length > expected.length ? actual : expected
    const index = longer.findIndex((_, line) => actual[line] !== expected[line])
    if (index === -1) return []
    return [`${path}:${index + 1}\n- ${actual[index] ?? '(end of file)'}\n+ ${expected[index] ?? '(end of file)'}`]
  })
