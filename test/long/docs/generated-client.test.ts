import t from 'tap'
import { executePage } from '../../fast/docs/pages/page.ts'
import { needProgram, needPython } from '../../support/harness/debian.ts'

t.test('docs/how-to/generate-a-client.md', async t => {
  await needProgram(['java'], 'default-jre-headless')
  await needPython({
    urllib3: 'python3-urllib3',
    dateutil: 'python3-dateutil',
    six: 'python3-six',
    certifi: 'python3-certifi'
  })
  await executePage(t, 'docs/how-to/generate-a-client.md')
})
