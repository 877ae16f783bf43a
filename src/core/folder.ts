import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Creates a folder and its parents where they are missing. `mkdir` with `recursive` never returns where the file system
 * answers ENOENT for a folder whose parent exists, as /proc does (observed with Node 24).
 * @throws the error of the file system
 */
export const createFolder = (path: string, mode: number): void => {
  if (existsSync(path)) return
  createFolder(dirname(path), mode)
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    // Another process was faster.
    if (!existsSync(path)) throw error
  }
}
