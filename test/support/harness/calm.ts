import type { Pressure } from '../../../src/http/pressure.ts'

/** No pressure: the load of this process comes from the tests, not from requests to the gateway. */
export const CALM: Pressure = { level: 0, stop: () => undefined }
