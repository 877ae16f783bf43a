import type { Example } from './example.ts'

/** Probes and pages ignore their query. */
const edge: Example['problems'] = {
  'invalid-request': {
    detail: 'A header name contains an underscore.',
    errors: [{ in: 'header', parameter: 'x_large', code: 'not-allowed', detail: 'contains an underscore' }]
  },
  'malformed-url': { detail: 'The URL contains `#`: encode it as %23.' }
}

const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>bucket-not-empty</title></head>
<body>
<h1>Bucket not empty</h1>
<p><code>bucket-not-empty</code>, HTTP status 409</p>
<p>Delete its files first: <code>POST</code> to <code>links.empty</code>, with <code>all</code> and <code>confirm</code>.</p>
<p>Can the same request be sent again? No.</p>
</body>
</html>
`

export const service: Record<string, Example> = {
  getLiveness: { replies: { 200: { value: { status: 'ok' } } }, problems: edge },
  getReadiness: {
    replies: { 200: { value: { status: 'ok' } }, 503: { value: { status: 'unready' } } },
    problems: edge
  },
  getProblemPage: {
    parameters: { name: 'bucket-not-empty' },
    replies: { 200: { value: page } },
    problems: { ...edge, 'route-not-found': { detail: 'There is no such problem.' } }
  }
}
