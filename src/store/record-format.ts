import type { StoreFault } from './faults.ts'
import { StoreUnavailable } from './store.ts'

/**
 * The format of JSON records in the store. Raise it when an older gateway would misread a record, write it as the member
 * `format`, and go on reading the older ones. A record without `format` has format 1; 2 is the credential of a job that ends
 * with its token.
 */
export const RECORD_FORMAT = 2

/** A newer version of the gateway wrote this. It is neither used nor changed. */
export class NewerRecord extends StoreUnavailable {
  readonly fault: StoreFault
  constructor(what: string) {
    const detail = `A newer version of the gateway wrote ${what}: finish the update, or start the newer version again.`
    const fault: StoreFault = { cause: 'newer-version', code: 'newer-version', detail }
    super(fault)
    this.name = 'NewerRecord'
    this.fault = fault
  }
}

/**
 * Reads the JSON text of a record that only its module writes.
 * @param kind for the log, such as `an order`
 * @throws NewerRecord
 */
export const readRecord = <T extends object>(text: string, kind: string): T => {
  // A record of another type than T has another format.
  const record = JSON.parse(text) as T & { format?: number }
  if ((record.format ?? 1) > RECORD_FORMAT) throw new NewerRecord(kind)
  return record
}
