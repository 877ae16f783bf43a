import type { Behaviours } from '../../../src/sandbox/index.ts'

export type Listing = Pick<Behaviours, 'listing' | 'searchMode' | 'searchCase' | 'searchListing'>

/** Everything that HOSTKEY's search may do. */
export const LISTINGS: Listing[] = (['delimited', 'flat'] as const).flatMap(listing => [
  { listing, searchMode: 'ignored', searchCase: 'sensitive', searchListing: 'flat' } as const,
  ...(['substring', 'prefix'] as const).flatMap(searchMode =>
    (['insensitive', 'sensitive'] as const).flatMap(searchCase =>
      (['flat', 'delimited'] as const).map(searchListing => ({ listing, searchMode, searchCase, searchListing }))
    )
  )
])

/** Does a search open folders, so that nothing may be missing? */
export const opens = ({ listing, searchMode, searchListing }: Listing) =>
  searchMode === 'ignored' ? listing === 'flat' : searchMode === 'prefix' || searchListing === 'flat'
