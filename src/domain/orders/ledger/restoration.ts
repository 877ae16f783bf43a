import { type DurableStore, readRecord } from '../../../store/index.ts'

/** The ledger was restored from a backup: orders between the two times are missing in it. */
export interface Restoration {
  /** When the backup was created, milliseconds since 1970. */
  backupAt: number
  /** When the restored ledger was first used, by its own clock. */
  restoredAt: number
}

/** A backup holds this entry without `restoredAt`: whatever put it in place, its first user notices. */
export const RESTORATION_KEY = 'order-restoration'

export interface Restorations {
  /** @returns undefined unless the ledger was restored within a day */
  find(): Promise<Restoration | undefined>
  /** Notes that the ledger was restored by other means. */
  mark(backupAt: number): Promise<void>
  /** Ends the checks: every order since the backup is accounted for. */
  end(): Promise<void>
}

/** @param checkMs how long orders are checked: until each key that may be missing has expired */
export const createRestorations = (store: DurableStore, checkMs: number): Restorations => {
  const find = async (): Promise<Restoration | undefined> => {
    const text = await store.get(RESTORATION_KEY)
    if (text === undefined) return undefined
    // The backup writes it too.
    const found = readRecord<{ backupAt: number; restoredAt?: number }>(text, 'the note of a restoration')
    const restoredAt = found.restoredAt ?? (await store.now())
    const restored = { ...found, restoredAt }
    if (found.restoredAt !== undefined) return restored
    // Another replica may have noticed first.
    return (await store.replace(RESTORATION_KEY, text, JSON.stringify(restored), checkMs)) ? restored : find()
  }
  return {
    find,
    mark: async backupAt =>
      store.put(RESTORATION_KEY, JSON.stringify({ backupAt, restoredAt: await store.now() }), checkMs),
    end: async () => void (await store.remove(RESTORATION_KEY))
  }
}
