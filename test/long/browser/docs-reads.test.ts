import t from 'tap'
import { executesAsFilledIn } from './swagger-ui-execution.ts'

t.test('/docs: every operation that reads executes with the example that the page fills in', t =>
  executesAsFilledIn(t, ({ method }) => method === 'GET')
)
