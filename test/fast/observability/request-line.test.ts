import { pino } from 'pino'
import t from 'tap'
import { createRequestLines } from '../../../src/observability/request-line.ts'

t.test('a request line is JSON in printable ASCII, whatever its texts contain', async t => {
  for (const text of [
    'plain text',
    'a quote "',
    'a backslash \\',
    'a line\nfeed',
    'a bell \u0007',
    '\u202Ereversed',
    'é'
  ]) {
    const written: string[] = []
    const write = createRequestLines(pino({}, { write: line => written.push(line) }))
    write({
      requestId: text,
      operation: 'none',
      method: 'GET',
      route: undefined,
      status: 404,
      problem: undefined,
      cause: text,
      ms: 1,
      upstreamMs: 0,
      upstreamCalls: 0,
      caller: undefined,
      ip: '127.0.0.1',
      clientAborted: undefined
    })
    const line = written.join('')
    t.match(line, /^[ -~]+\n$/)
    t.match(JSON.parse(line), { requestId: text, cause: text })
  }
})
