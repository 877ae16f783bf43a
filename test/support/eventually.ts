import { setTimeout as pause } from 'node:timers/promises'

const PAUSE_MS = 20
/** 4 s: what happens in the background of a busy machine. */
const TRIES = 200

/** Waits for what happens in the background. @returns whether it did */
export const eventually = async (isTrue: () => boolean | Promise<boolean>): Promise<boolean> => {
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (await isTrue()) return true
    await pause(PAUSE_MS)
  }
  return false
}
