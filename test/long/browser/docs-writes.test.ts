import t from 'tap'
import { executesAsFilledIn } from './swagger-ui-execution.ts'

t.test('/docs: every operation that writes executes as the page has filled it in', t =>
  executesAsFilledIn(t, ({ method }) => method !== 'GET')
)
