import { setTimeout as pause } from 'node:timers/promises'

const PAUSE_MS = 20
/** 4 s: background work on a busy machine. */
const PATIENCE_MS = 4000

/** Waits for background work. @param patienceMs longer for the start of a process @returns whether it happened in time */
export const eventually = async (
  isTrue: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS
): Promise<boolean> => {
  // Counts tries instead of time: a machine that stalls does not use up the limit.
  for (let tries = 0; tries < patienceMs / PAUSE_MS; tries += 1) {
    if (await isTrue()) return true
    await pause(PAUSE_MS)
  }
  return false
}
