import type { Example } from './example.ts'

/** Probes and pages ignore their query. */
const edge: Example['problems'] = {
  'invalid-request': {
    detail: 'A header name contains an underscore.',
    errors: [{ in: 'header', parameter: 'x_large', code: 'not-allowed', detail: 'contains an underscore' }]
  },
  'malformed-url': { detail: 'The URL contains `#`: encode it as %23.' }
}

export const service: Record<string, Example> = {
  getLiveness: { replies: { 200: { value: { status: 'ok' } } }, problems: edge },
  getReadiness: {
    replies: { 200: { value: { status: 'ok' } }, 503: { value: { status: 'unready' } } },
    problems: edge
  },
  getProblemPage: {
    parameters: { name: 'bucket-not-empty' },
    // A page: nobody reads it here.
    replies: { 200: {} },
    problems: { ...edge, 'route-not-found': { detail: 'There is no such problem.' } }
  }
}
