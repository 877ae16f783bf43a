import t from 'tap'
import { executesAsFilledIn } from './swagger-ui-execution.ts'

// 110 s: a busy machine takes seconds for each click.
t.setTimeout(110_000)

t.test('/docs: every operation that writes executes as the page has filled it in', { timeout: 110_000 }, t =>
  executesAsFilledIn(t, ({ method }) => method !== 'GET')
)
