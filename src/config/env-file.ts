import { parseEnv } from 'node:util'
import { readTextFile, TextFileError } from '../core/text-file.ts'

/**
 * Adds the variables of a file to the environment, which wins. Node.js itself (`--env-file`) would lose the first variable
 * of a file with a byte order mark. A file that does not exist has no variables.
 * @returns the names that it added
 * @throws TextFileError
 */
export const loadEnvFile = (path: string, env: NodeJS.ProcessEnv): string[] => {
  try {
    const added = Object.entries(parseEnv(readTextFile(path).replaceAll('\r\n', '\n'))).filter(
      ([name]) => env[name] === undefined
    )
    for (const [name, value] of added) env[name] = value
    return added.map(([name]) => name)
  } catch (error) {
    if (!(error instanceof TextFileError)) throw error
    if (!error.message.includes('ENOENT')) throw new TextFileError(`${path} ${error.message}`)
    return []
  }
}
