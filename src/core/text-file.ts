import { readFileSync } from 'node:fs'

/** Why a text file cannot be used: the rest of a sentence that begins with its name. */
export class TextFileError extends Error {}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'must not be read by this user',
  EPERM: 'must not be read by this user',
  EISDIR: 'is a folder',
  ENOTDIR: 'is below something that is not a folder',
  ELOOP: 'is a link to itself'
}

/**
 * Reads a text file as editors on any system save it: without the byte order mark of UTF-8.
 * @throws TextFileError where it cannot be read, or is not UTF-8
 */
export const readTextFile = (path: string): string => {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new TextFileError(`${REASONS[code] ?? 'cannot be read'} (${code})`)
  }
  return toText(bytes)
}

/** The text of a file. @throws TextFileError when it is not UTF-8 */
export const toText = (bytes: Buffer): string => {
  const isMarked = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  // Without a mark: every second byte of Latin text is 0, and no text file has one otherwise.
  if (isMarked || bytes.includes(0)) throw new TextFileError('is UTF-16: save it as UTF-8')
  try {
    // Removes a byte order mark.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new TextFileError('is not UTF-8 text: save it as UTF-8')
  }
}

/** Is the whole text in quotes? They are part of it wherever no shell removes them. */
export const isQuoted = (text: string): boolean => /^(["'`]).*\1$/s.test(text)
