import { type ProblemName, problemNames, problems } from '../../schemas/problems.ts'
import { code, page, table } from './markdown.ts'

const REPEAT = { safe: 'yes, if nothing was applied', never: 'no' }

const rowOf = (name: ProblemName): string[] => {
  const { status, title, help, repeat } = problems[name]
  return [String(status), code(name), title, REPEAT[repeat], help]
}

export const problemsPage = (): string =>
  page(
    'Problems',
    '`schemas/problems.ts`',
    'Every failure is `application/problem+json` (RFC 9457). The last segment of `type` is one of these names, which are stable. `GET /problems/{name}` is the page of a problem.',
    table(['Status', 'Name', 'Title', 'Retry unchanged?', 'What to do'], problemNames.map(rowOf))
  )
