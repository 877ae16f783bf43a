import type { Report } from '../report.ts'
import type { Call } from './call.ts'
import type { Checks } from './checks.ts'

/** What the probes of an upstream work with. */
export interface Probe {
  readonly call: Call
  readonly checks: Checks
  readonly report: Report
  readonly readKeys: boolean
}
