import { type ProblemName, problems } from '../../schemas/problems.ts'

const escaped = (text: string) => text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)

/** Text of the catalogue, in which code stands between backticks. */
const marked = (text: string) => escaped(text).replace(/`([^`]*)`/g, '<code>$1</code>')

/** The page of a problem: plain HTML without style or script, as the strict policy of the API wants it. */
export const problemPage = (name: ProblemName): string => {
  const { status, title, help, repeat } = problems[name]
  const again =
    repeat === 'safe' ? 'Yes, when nothing was applied: see <code>retryable</code> and <code>outcome</code>' : 'No'
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${name}</title></head>
<body>
<h1>${escaped(title)}</h1>
<p><code>${name}</code>, HTTP status ${status}</p>
<p>${marked(help)}</p>
<p>May the same request be sent again? ${again}.</p>
</body>
</html>
`
}
