import type { Pressure } from '../../../src/http/pressure.ts'

/** Gateways that start in this process, and the tests themselves, press it hard; none of them is the gateway's load. */
export const CALM: Pressure = { level: 0, stop: () => undefined }
