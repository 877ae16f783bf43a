/** True in `npm run test:long`, which tests each guarantee in full; `npm test` runs a short case. */
export const isLong = process.env['TEST_AMOUNT'] === 'full'

/** Chooses an amount for the short or the long run. */
export const amount = <T>(short: T, long: T): T => (isLong ? long : short)
