/** Does `npm run test:long` run, or `npm test`? The first takes each guarantee in full, the second a short case of it. */
export const isLong = process.env['TEST_AMOUNT'] === 'full'

/** How much of something: in a short run, and in a long one. */
export const amount = <T>(short: T, long: T): T => (isLong ? long : short)
