import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import type { ServiceEntry } from './entry.ts'
import { readEntries } from './registry-file.ts'

/** Readable by the group: the file holds hashes, no secrets. */
const NEW_MODE = 0o640

/**
 * Adds an entry at the end of the registry file. Other entries, their order, the indentation and the mode of the file stay
 * as they are; a reader finds the old file or the new one. Without a file it writes one.
 * @throws Error when the name is declared already, another command is writing, or the file cannot be read or written
 */
export const addToRegistry = (path: string, entry: ServiceEntry): void => {
  // A link, such as one to a mounted file, stays a link.
  const file = existsSync(path) ? realpathSync(path) : path
  const next = `${file}.new`
  const descriptor = openNext(next, file)
  try {
    const isNew = !existsSync(file)
    const entries = isNew ? [] : readEntries(file)
    if (entries.some(other => Object(other).id === entry.id)) {
      throw new Error(
        `${entry.id} is declared in ${path} already: choose another name, or rotate its secret (docs/how-to/rotate-secrets.md).`
      )
    }
    const indent = (!isNew && /^[ \t]+(?=")/m.exec(readFileSync(file, 'utf8'))?.[0]) || '  '
    writeFileSync(descriptor, `${JSON.stringify({ services: [...entries, entry] }, null, indent)}\n`)
    if (isNew) fchmodSync(descriptor, NEW_MODE)
    else keepOwner(descriptor, file)
    fsyncSync(descriptor)
    renameSync(next, file)
  } catch (error) {
    rmSync(next, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
}

/** The new file is also the lock: two commands at once would each lose the entry of the other. */
const openNext = (next: string, file: string): number => {
  try {
    return openSync(next, 'wx', 0o600)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error
    throw new Error(`Another command is writing ${file}; if none is, remove ${next}.`)
  }
}

const keepOwner = (descriptor: number, file: string): void => {
  const { mode, uid, gid } = statSync(file)
  const own = process.getuid?.()
  // Only root may give a file to another user.
  if (own === 0 || own === uid) fchownSync(descriptor, uid, gid)
  fchmodSync(descriptor, mode & 0o7777)
}
