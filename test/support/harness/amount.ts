/** `npm test` is short, `npm run test:long` long; `npm run guarantees` runs the long tests with the amounts that it records. */
const run = process.env['TEST_AMOUNT']

/** False in `npm test`, which runs a short case of each guarantee. */
export const isLong = run === 'long' || run === 'recorded'

/** Chooses an amount for the run. @param recorded more than the long run has time for */
export const amount = <T>(short: T, long: T, recorded = long): T =>
  run === 'recorded' ? recorded : isLong ? long : short
