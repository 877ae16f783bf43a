import { globSync } from 'node:fs'
import t, { type Test } from 'tap'
import { blocksOf } from '../../fast/docs/pages/blocks.ts'
import { executePage, type Runner } from '../../fast/docs/pages/page.ts'
import { openBrowser, watchedPage } from '../../support/harness/chromium.ts'
import { needProgram } from '../../support/harness/debian.ts'

const bucketBrowser = async (t: Test, page: string) => {
  const whole = blocksOf(page).find(({ language }) => language === 'html')?.code ?? ''
  const bare = (code: string) =>
    code
      .split('\n')
      .map(line => line.trim())
      .join('\n')

  /** The code of a step is a part of the complete page. */
  const step: Runner = async ({ code, at }) => {
    if (!bare(whole).includes(bare(code))) throw new Error(`${at} is not a part of the complete page`)
  }

  await needProgram(['python3'], 'python3')
  const { portOf, lastPrinted } = await executePage(t, page, { runners: { js: step } })
  t.ok(whole.trim().split('\n').length <= 100, 'at most 100 lines')
  t.match(whole, '<meta name="viewport" content="width=device-width">', 'fits a phone')

  const origin = `http://localhost:${portOf('3000')}`
  const { page: tab, misdeeds } = await watchedPage(await openBrowser(t, { width: 800 }), origin)
  await tab.goto(origin)
  const entries = () => tab.locator('#list > li').allTextContents()

  t.test('says why a login fails', async t => {
    await tab.fill('input', 'no-such-key')
    await tab.click('text=Log in')
    await tab.waitForFunction("document.getElementById('message').textContent !== ''")
    t.equal(await tab.textContent('#message'), 'Invalid credentials')
  })

  t.test('lists buckets, then files, then more of them', async t => {
    await tab.fill('input', lastPrinted('API_KEY'))
    await tab.click('text=Log in')
    await tab.click('text=s3_user_1 / holiday-pictures')
    await tab.click('text=more')
    await tab.waitForFunction("document.querySelectorAll('#list > li').length > 110")
    const listed = await entries()
    t.ok(listed.some(entry => entry.startsWith('picture-001.jpg (')))
    t.equal(listed.filter(entry => entry === '← buckets').length, 1)
    t.notOk(listed.includes('more'), 'the list is complete')
    t.equal(await tab.inputValue('input'), '', 'the credential is not kept')
    await tab.click('text=← buckets')
    await tab.waitForSelector('text=s3_user_1 / logs')
    t.same(
      await entries(),
      ['holiday-pictures', 'empty-bucket', 'logs'].map(name => `s3_user_1 / ${name}`)
    )
    t.same(misdeeds.violations, [])
    t.match(misdeeds.complaints, [/401/], 'Chromium logs the failed login')
  })

  t.test('deletes a folder and then a whole bucket, after its name was typed', async t => {
    const answers = ['other', 'holiday-pictures', 'holiday-pictures']
    tab.on('dialog', dialog => dialog.accept(answers.shift()))
    const said = (text: RegExp) => tab.locator('#message', { hasText: text }).waitFor()
    await tab.click('text=s3_user_1 / holiday-pictures')
    await tab.click('text="2021/"')
    await tab.waitForSelector('text="2021/spring/"')
    await tab.click('text=delete all of these')
    await said(/^Confirmation does not match$/)
    await tab.click('text=delete all of these')
    await said(/^succeeded: 48 deleted, 0 failed$/)
    t.same(await entries(), ['← buckets', 'delete all of these'])
    await tab.click('text=← buckets')
    await tab.click('text=s3_user_1 / holiday-pictures')
    await tab.waitForSelector('text="2022/"')
    await tab.click('text=delete all of these')
    await said(/^succeeded: 2\d\d deleted, 0 failed$/)
    t.same(await entries(), ['← buckets', 'delete all of these'])
    t.match(misdeeds.complaints, [/401/, /412/])
  })
}

/** Pages with other blocks than commands and files. */
const own: Record<string, (t: Test, page: string) => Promise<unknown>> = {
  'docs/tutorials/bucket-browser.md': bucketBrowser
}

const pages = globSync('docs/tutorials/*.md').sort()

t.ok(Object.keys(own).every(page => pages.includes(page)))
for (const page of pages) t.test(page, t => (own[page] ?? executePage)(t, page))
