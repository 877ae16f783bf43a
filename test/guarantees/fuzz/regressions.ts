import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FuzzRequest } from './requests.ts'
import type { Stage } from './stage.ts'

/** A request that once caused a violation, or nearly did. */
export interface Regression {
  /** What it tests. */
  about: string
  /** The expected answer, if known; otherwise only the rules for every request apply. */
  status?: number
  problem?: string
  request: FuzzRequest
}

/** Folder of the cases that a run found; every later run replays them. */
const REGRESSIONS = fileURLToPath(new URL('../../regressions/request-fuzzing/', import.meta.url))

/** Writes a case under a name made from its content. @returns the file */
export const keepRegression = (regression: Regression, folder = REGRESSIONS): string => {
  const text = `${JSON.stringify(regression, null, 2)}\n`
  const hash = createHash('sha256').update(JSON.stringify(regression.request)).digest('hex').slice(0, 12)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${hash}.json`)
  writeFileSync(file, text)
  return file
}

/** The cases in a folder, by file. */
export const keptIn = (folder: string): (Regression & { file: string })[] =>
  readdirSync(folder)
    .filter(name => name.endsWith('.json'))
    // Written by the function above.
    .map(file => ({ file, ...(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Regression) }))

/** Sends every stored case again. @returns their number, and the violations */
export const replayRegressions = async (stage: Stage, folder = REGRESSIONS) => {
  const kept = keptIn(folder)
  const faults: string[] = []
  for (const { file, about, status, problem, request } of kept) {
    await stage.reset()
    const { reply, violations } = await stage.tryOut(request)
    const name = /"type":"[^"]*\/([a-z0-9-]+)"/.exec(reply.text)?.[1]
    if (status !== undefined && reply.statusCode !== status) violations.push(`${reply.statusCode} instead of ${status}`)
    if (problem !== undefined && name !== problem) violations.push(`${name} instead of ${problem}`)
    faults.push(...violations.map(violation => `${file} (${about}): ${violation}`))
  }
  return { count: kept.length, faults }
}
