import type { Links } from '../../core/links.ts'
import type { Upstream } from '../../upstream/client.ts'
import type { RecentWrites } from './recent-writes.ts'

/** What the storage services are made from. */
export interface StorageParts {
  upstream: Upstream
  recentWrites: RecentWrites
  links: Links
  /** Pauses before each verification of a write, milliseconds: HOSTKEY's lists may lag (assumed). */
  verifyDelaysMs: readonly number[]
  /** Called when HOSTKEY does not know an action and the gateway used another one. */
  onActionMissing: (action: string) => void
}
