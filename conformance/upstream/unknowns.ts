/** Questions that reading cannot answer, and what would. */
export const NEVER_PROBED: readonly (readonly [question: string, why: string])[] = [
  ['does create_account bill', 'not probed: it would have to be called'],
  ['does create_bucket put a prefix before the name', 'not probed by a write; see the names of the listed buckets'],
  ['how does whmcslogin ask for a second factor', 'not probed: it would take a password'],
  ['is a token valid at the other host', 'not probed: run it again with the other --upstream'],
  ['where are the storage endpoints of other locations', 'not probed: no action names them']
]
