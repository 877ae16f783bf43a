import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The code behind the guarantees: upstream calls, sessions and credentials, and the protection against double writes. */
const MUTATED = ['src/{auth,core,domain,upstream}/**/*.ts']

/** Only this command needs its 78 packages, so they have a lock file of their own. */
const HOME = 'test/long/mutation/package'
const PACKAGE = '@stryker-mutator/instrumenter'

/** One small change of the code that a test should detect. */
export interface Mutant {
  /** Switches the mutant on in the instrumented code. */
  id: string
  file: string
  line: number
  /** Stryker's name of this kind of change. */
  kind: string
  original: string
  replacement: string
}

/** The code with all mutants in it, each switched on by its id. */
export interface Instrumented {
  files: { name: string; content: string }[]
  mutants: Mutant[]
}

interface Place {
  line: number
  column: number
}

/** The used part of Stryker's instrumenter. */
interface Stryker {
  Instrumenter: new (
    logger: object
  ) => {
    instrument(
      files: { name: string; content: string; mutate: true }[],
      options: { plugins: null; excludedMutations: string[]; ignorers: (typeof messages)[] }
    ): Promise<{
      files: { name: string; content: string }[]
      mutants: {
        id: string
        fileName: string
        mutatorName: string
        replacement: string
        /** Lines and columns from 0. */
        location: { start: Place; end: Place }
        status?: string
      }[]
    }>
  }
}

/** A node of Babel's syntax tree. */
interface Path {
  node: { type: string; callee?: { name?: string }; key?: { name?: string } }
  key: string | number | null
  parentPath: Path | null
}

/** By class of error: the position of the argument that is a sentence for people. */
const SENTENCES: Record<string, number> = { Problem: 1, Error: 0, TypeError: 0, SyntaxError: 0, StoreUnavailable: 0 }

/**
 * Leaves out the wording of errors: programs distinguish errors by type, and a test of each sentence would repeat it. A
 * condition that chooses a sentence is mutated.
 */
const messages = {
  shouldIgnore(path: Path): string | undefined {
    if (!/^(StringLiteral|TemplateLiteral)$/.test(path.node.type)) return undefined
    let at = path
    while (at.parentPath?.node.type === 'ConditionalExpression' && at.key !== 'test') at = at.parentPath
    const parent = at.parentPath?.node
    const isArgument = parent?.type === 'NewExpression' && SENTENCES[parent.callee?.name ?? ''] === at.key
    const isDetail = parent?.type === 'ObjectProperty' && parent.key?.name === 'detail' && at.key === 'value'
    return isArgument || isDetail ? 'the wording of an error' : undefined
  }
}

/** Prints only warnings and errors of Stryker. */
const logger = new Proxy(
  {},
  {
    get:
      (_, level) =>
      (text: string, ...more: unknown[]) =>
        level === 'warn' || level === 'error' ? process.stderr.write(`${[text, ...more].join(' ')}\n`) : false
  }
)

/** Loads Stryker's instrumenter. Installs it once, from its lock file, without running scripts of packages. */
const load = async (): Promise<Stryker> => {
  const folder = resolve(HOME, 'node_modules', PACKAGE)
  if (!existsSync(folder)) {
    process.stderr.write(`${PACKAGE} is missing: installing it into ${HOME} with npm ci\n`)
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--prefix', HOME], { stdio: 'inherit' })
  }
  return import(pathToFileURL(resolve(folder, 'dist/src/index.js')).href)
}

/** Makes all mutants of the files in `MUTATED`. */
export const instrument = async (): Promise<Instrumented> => {
  const { Instrumenter } = await load()
  const names = globSync(MUTATED).sort()
  const sources = new Map(names.map(name => [name, readFileSync(name, 'utf8')]))
  const { files, mutants } = await new Instrumenter(logger).instrument(
    [...sources].map(([name, content]) => ({ name, content, mutate: true })),
    { plugins: null, excludedMutations: [], ignorers: [messages] }
  )
  return {
    files,
    mutants: mutants
      .filter(({ status }) => status !== 'Ignored')
      .map(({ id, fileName, mutatorName, replacement, location }) => ({
        id,
        file: fileName,
        line: location.start.line + 1,
        kind: mutatorName,
        original: textAt(sources.get(fileName) ?? '', location),
        replacement
      }))
  }
}

const textAt = (source: string, { start, end }: { start: Place; end: Place }): string => {
  const lines = source.split('\n').slice(start.line, end.line + 1)
  const last = lines.length - 1
  return lines
    .map((line, index) => line.slice(index === 0 ? start.column : 0, index === last ? end.column : undefined))
    .join('\n')
}
