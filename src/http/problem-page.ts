import { type ProblemName, problems } from '../../schemas/problems.ts'

const escapeHtml = (text: string) => text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)

/** HTML of a text in which code stands between backticks. */
const toHtml = (text: string) => escapeHtml(text).replace(/`([^`]*)`/g, '<code>$1</code>')

/** The page of a problem: plain HTML without style or script, as the content security policy requires. */
export const problemPage = (name: ProblemName): string => {
  const { status, title, help, repeat } = problems[name]
  const retry =
    repeat === 'safe' ? 'Yes, if nothing was applied: see <code>retryable</code> and <code>outcome</code>' : 'No'
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${name}</title></head>
<body>
<h1>${escapeHtml(title)}</h1>
<p><code>${name}</code>, HTTP status ${status}</p>
<p>${toHtml(help)}</p>
<p>Can the same request be sent again? ${retry}.</p>
</body>
</html>
`
}
