import { parseEnv } from 'node:util'
import { readTextFile, TextFileError } from '../core/text-file.ts'

/**
 * Adds the variables of a file to the environment, which wins. Node.js itself (`--env-file`) would lose the first variable
 * of a file with a byte order mark. A file that does not exist has no variables.
 * @throws TextFileError
 */
export const loadEnvFile = (path: string, env: NodeJS.ProcessEnv): void => {
  try {
    for (const [name, value] of Object.entries(parseEnv(readTextFile(path).replaceAll('\r\n', '\n'))))
      env[name] ??= value
  } catch (error) {
    if (!(error instanceof TextFileError)) throw error
    if (!error.message.includes('ENOENT')) throw new TextFileError(`${path} ${error.message}`)
  }
}
