import type { Example } from './example.ts'

const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>bucket-not-empty</title></head>
<body>
<h1>Bucket not empty</h1>
<p><code>bucket-not-empty</code>, HTTP status 409</p>
<p>Delete its files first.</p>
<p>Can the same request be sent again? No.</p>
</body>
</html>
`

export const service: Record<string, Example> = {
  getLiveness: { replies: { 200: { value: { status: 'ok' } } } },
  getReadiness: { replies: { 200: { value: { status: 'ok' } }, 503: { value: { status: 'unready' } } } },
  getProblemPage: {
    parameters: { name: 'bucket-not-empty' },
    replies: { 200: { value: page } },
    problems: { 'route-not-found': { detail: 'There is no such problem.' } }
  }
}
