import { setTimeout as pause } from 'node:timers/promises'

const PAUSE_MS = 20
/** 4 s: what happens in the background of a busy machine. */
const PATIENCE_MS = 4000

/** Waits for what happens in the background. @param patienceMs longer for the start of a process @returns whether it did */
export const eventually = async (
  isTrue: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS
): Promise<boolean> => {
  // Counted in tries: while the machine stands still, nobody's patience runs out.
  for (let tries = 0; tries < patienceMs / PAUSE_MS; tries += 1) {
    if (await isTrue()) return true
    await pause(PAUSE_MS)
  }
  return false
}
