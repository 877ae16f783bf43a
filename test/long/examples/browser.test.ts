import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { standardFixture } from '../../../src/sandbox/fixture.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import type { Fixture } from '../../../src/sandbox/state.ts'
import { openAccount } from '../../../src/sandbox/storage.ts'
import { pathsIn, serveExample } from '../../fast/examples/examples.ts'
import { openBrowser, watchedPage } from '../../support/harness/chromium.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { stablePort } from '../../support/harness/stable-port.ts'

const HOSTILE = '../<img src=x onerror="document.title=1">.html'

/** The demo customer has a second account, which grows by 1 GB a day. */
const twoAccounts: Fixture = state => {
  standardFixture(state)
  const demo = [...state.customers.values()].find(({ name }) => name === 'demo')
  const plan = state.plans.get(1)
  if (!demo || !plan) throw new TypeError('the fixture has changed')
  const account = openAccount(state, demo, plan, 'DE', 50)
  account.listsUntilVisible = 0
  const snapshots = [1, 2, 3, 4].map(n => ({ bandwidth: 0, storage: n * 1e9, createdAt: `2023-10-0${n}T10:00:00Z` }))
  account.snapshots.splice(0, 1, ...snapshots)
}

/** The page on an origin of its own, a gateway that allows it, and a browser that records its faults. */
const stage = async (t: Test, width: number) => {
  const port = await stablePort()
  const api = `http://localhost:${port}`
  const sandbox = await startSandbox({ seed: randomUUID(), fixture: twoAccounts })
  t.after(() => sandbox.close())
  const { storageUrl } = sandbox
  const addresses = { PAGE_PORT: '0', GATEWAY: api, STORAGE: storageUrl }
  const origin = await serveExample(t, 'examples/browser/serve.ts', addresses)
  const settings = { PORT: String(port), ALLOWED_ORIGINS: origin, STORAGE_ENDPOINTS: `NL=${storageUrl}|nl` }
  const running = await gateway(t, settings, { sandbox })
  const context = await openBrowser(t, { width, height: 844 })
  const { page, misdeeds } = await watchedPage(context, origin)
  return {
    ...running,
    page,
    context,
    origin,
    misdeeds: () => ({
      ...misdeeds,
      external: misdeeds.external.filter(url => !url.startsWith(`${api}/`) && !url.startsWith(`${storageUrl}/`))
    }),
    /** Chromium logs every status of 400 or more. */
    ignoreStatus: (status: number) => {
      const kept = misdeeds.complaints.filter(text => !text.includes(`status of ${status}`))
      misdeeds.complaints.splice(0, Number.POSITIVE_INFINITY, ...kept)
    }
  }
}

const NOTHING = { external: [], violations: [], complaints: [] }

/** No content is wider than the window. */
const fits = async (page: Page): Promise<boolean> => {
  const widths = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as number[]
  return Number(widths[0]) <= Number(widths[1])
}

const rows = (page: Page) => page.locator('#rows > li')
const row = (page: Page, name: string) =>
  rows(page).filter({ has: page.locator(`bdi:text-is(${JSON.stringify(name)})`) })
const heading = async (page: Page, name: string) => page.locator('h1:visible', { hasText: name }).waitFor()

for (const width of [1280, 390]) {
  t.test(`examples/browser at ${width} pixels`, async t => {
    const at = await stage(t, width)
    const { page, origin, sandbox, misdeeds, ignoreStatus } = at
    const { control, demo } = sandbox
    const box = page.locator('#problem')
    control.putFile('holiday-pictures', HOSTILE)
    // A search for the folder also finds this path, if HOSTKEY matches any part of a path.
    control.putFile('holiday-pictures', 'copy of 2023/summer/beach/picture-000.jpg')
    /** Steps depend on each other: after a failed step the next would only time out. */
    const step = (name: string, take: (t: Test) => Promise<void>) =>
      t.test(name, async each => (t.passing() ? take(each) : each.fail('a step before it failed')))
    await page.goto(origin)

    step('a failed login shows the reason and the id of the request', async t => {
      await page.getByLabel('API key', { exact: true }).last().fill('0000-wrong')
      await page.keyboard.press('Enter')
      await box.waitFor()
      t.match(await box.innerText(), /Invalid credentials[\s\S]*Request id: [\w-]{36}/)
      t.ok(await fits(page))
      ignoreStatus(401)
      t.same(misdeeds(), NOTHING)
    })

    step('logs in by e-mail and password, with the keyboard alone', async t => {
      await page.keyboard.press('Shift+Tab')
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('Tab')
      await page.keyboard.type(demo.email)
      await page.keyboard.press('Tab')
      await page.keyboard.type(demo.password)
      await page.keyboard.press('Enter')
      await heading(page, 'Overview')
      t.equal(await page.locator('#email').innerText(), demo.email)
      t.notOk(await box.isVisible())
      const seen = String(await page.evaluate('document.cookie + JSON.stringify(localStorage) + location.href'))
      for (const secret of control.secrets()) t.notOk(seen.includes(secret))
    })

    step('shows buckets, and usage as a chart', async t => {
      const chart = page.locator('#trend svg[role="img"]')
      await chart.waitFor()
      t.match(
        await chart.getAttribute('aria-label'),
        /^Storage: 122 MiB on Oct 23, 2023, .* 977 MiB on Oct 27, 2023\. Grows by 198 MiB a day, full in about 4 years\.$/
      )
      t.equal(await chart.locator('circle').count(), 5)
      t.equal(await chart.locator('.ahead').count(), 1)
      t.same(await page.locator('#buckets bdi').allInnerTexts(), ['holiday-pictures', 'empty-bucket', 'logs'])
      const widths = await Promise.all(
        (await page.locator('#buckets .part').all()).map(async part => (await part.boundingBox())?.width ?? 0)
      )
      t.ok(
        Number(widths[0]) > Number(widths[2]) && Number(widths[2]) > 0,
        'the bars are as long as the buckets are large'
      )
      t.match(await page.locator('#quota-text').innerText(), /^0\.03% of 250 GiB$/)
      t.ok(await fits(page))
    })

    step('shows the usage of all accounts, each with its forecast', async t => {
      await page.locator('#accounts .spark').nth(1).waitFor()
      t.same(await page.locator('#accounts a bdi').allInnerTexts(), ['s3_user_1', 's3_user_50'])
      const labels = await page.locator('#accounts .spark').evaluateAll(all => all.map(each => each.ariaLabel))
      t.same(labels, ['Grows by 198 MiB a day, full in about 4 years', 'Grows by 954 MiB a day, full in about 5 days'])
      t.equal(await page.locator('#all-used').innerText(), '77.2 MiB of 255 GiB')
      await page.locator('#accounts a').nth(1).press('Enter')
      await page.locator('#buckets .empty').waitFor()
      await page.locator('#accounts a').first().click()
      await page.locator('#buckets a').first().waitFor()
      t.ok(await fits(page))
    })

    step('browses the files of a bucket by page', async t => {
      await page.locator('#buckets a').first().press('Enter')
      await page.locator('#load-more').waitFor()
      t.equal(await rows(page).count(), 100)
      await page.locator('#load-more').press('Enter')
      await page.locator('#load-more').waitFor({ state: 'hidden' })
      const atRoot = pathsIn(sandbox, 'holiday-pictures').map(path => path.replace(/\/.*/s, '/'))
      t.equal(await rows(page).count(), new Set(atRoot).size)
      t.ok(await fits(page))
    })

    step('opens folders, each with its own files only', async t => {
      for (const folder of ['2023/', 'summer/', 'beach/']) {
        await row(page, folder).locator('a').click()
        await heading(page, folder.slice(0, -1))
        await rows(page).first().waitFor()
      }
      t.equal(await rows(page).count(), 12)
      t.equal(await rows(page).first().locator('bdi').innerText(), 'picture-001.jpg')
      await page.goBack()
      await heading(page, 'summer')
      await page.locator('#count', { hasText: /^0 files, 2 folders$/ }).waitFor()
      await page.locator('#trail a', { hasText: 'holiday-pictures' }).click()
      await row(page, '2023/').waitFor()
    })

    step('shows a name that looks like HTML as text', async t => {
      await page.getByLabel('Search this bucket').fill('document.title')
      await page.keyboard.press('Enter')
      await row(page, HOSTILE).waitFor()
      t.equal(await rows(page).count(), 1)
      t.equal(await page.locator('main img').count(), 0)
      t.ok(await fits(page))
      t.same(misdeeds(), NOTHING)
    })

    step('asks before it deletes; Cancel and Escape delete nothing', async t => {
      const before = pathsIn(sandbox, 'holiday-pictures').length
      const dialog = page.locator('dialog[open]')
      for (const key of ['Enter', 'Escape']) {
        await row(page, HOSTILE).getByRole('button', { name: 'Delete' }).press('Enter')
        await dialog.waitFor()
        t.equal(await page.locator('#confirm-path').innerText(), HOSTILE)
        // Enter presses Cancel, which has the focus.
        await page.keyboard.press(key)
        await dialog.waitFor({ state: 'hidden' })
      }
      t.equal(pathsIn(sandbox, 'holiday-pictures').length, before)
    })

    step('deletes exactly the file that was chosen', async t => {
      const before = pathsIn(sandbox, 'holiday-pictures')
      await row(page, HOSTILE).getByRole('button', { name: 'Delete' }).click()
      await page.getByRole('button', { name: 'Delete file' }).click()
      await page.locator('#notice', { hasText: 'Deleted' }).waitFor()
      t.equal(await rows(page).count(), 0)
      t.same(
        pathsIn(sandbox, 'holiday-pictures'),
        before.filter(path => path !== HOSTILE)
      )
      t.same(misdeeds(), NOTHING)
    })

    step('a failure of HOSTKEY is shown, and can be retried', async t => {
      control.fault({ kind: 'throttled', action: 'get_files' })
      await page.locator('#trail a', { hasText: 'holiday-pictures' }).click()
      await box.waitFor()
      t.match(
        await box.innerText(),
        /Rate limit of HOSTKEY reached[\s\S]*Try again in \d+ seconds[\s\S]*Request id: [\w-]{36}/
      )
      t.ok(await fits(page))
      control.clearFaults()
      await page.getByRole('button', { name: 'Try again' }).click()
      await row(page, '2023/').waitFor()
      t.notOk(await box.isVisible())
      ignoreStatus(503)
    })

    const card = (title: string) => page.locator('.card').filter({ hasText: title })
    const paths = () => pathsIn(sandbox, 'empty-bucket')

    step('uploads files that are dropped and picked, with progress', async t => {
      await page.goto(`${origin}/#account=s3_user_1&bucket=empty-bucket&folder=in/`)
      await page.locator('#nothing').waitFor()
      // The values of each progress bar.
      await page.evaluate(`window.seen = []
        new MutationObserver(() => seen.push(document.querySelector('progress')?.value))
          .observe(document.getElementById('activity'), { attributes: true, childList: true, subtree: true })`)
      const network = await at.context.newCDPSession(page)
      const speed = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 12_000_000 }
      await network.send('Network.emulateNetworkConditions', speed)
      const dataTransfer = await page.evaluateHandle(`(() => {
        const data = new DataTransfer()
        data.items.add(new File([new Uint8Array(6_000_000)], 'film #1.mp4', { type: 'video/mp4' }))
        return data
      })()`)
      await page.dispatchEvent('body', 'dragover', { dataTransfer })
      t.ok(await page.locator('#drop').isVisible())
      await page.dispatchEvent('body', 'drop', { dataTransfer })
      await card('1 file uploaded.').waitFor()
      const seen = (await page.evaluate('seen')) as number[]
      t.ok(
        seen.some(value => value > 0 && value < 1),
        'in steps'
      )
      await page.setInputFiles('#picker', [
        { name: 'ü.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') },
        { name: 'x.bin', mimeType: '', buffer: Buffer.from('') }
      ])
      await card('2 files uploaded.').waitFor()
      await row(page, 'x.bin').waitFor()
      const { files = [] } = control.state().buckets.find(({ name }) => name === 'empty-bucket') ?? {}
      t.same(
        new Map(files),
        new Map([
          ['in/film #1.mp4', 6_000_000],
          ['in/x.bin', 0],
          ['in/ü.txt', 5]
        ])
      )
      t.ok(await fits(page))
    })

    step('says why an upload failed', async t => {
      control.fault({ kind: 'refusal', action: 'show_key', text: 'S3 account not found for this customer' })
      await page.setInputFiles('#picker', [{ name: 'y.txt', mimeType: 'text/plain', buffer: Buffer.from('y') }])
      await card('0 files uploaded, 1 failed.').locator('.failures').waitFor()
      t.match(await card('1 failed').locator('.failures').innerText(), /^y\.txt\s+\S.* · HOSTKEY: S3 account not found/)
      control.clearFaults()
      const close = page.getByRole('button', { name: 'Close: ' })
      for (let left = await close.count(); left > 0; left -= 1) await close.first().press('Enter')
      t.equal(await page.locator('.card').count(), 0)
      ignoreStatus(404)
    })

    step('downloads a file under its name', async t => {
      const [saved] = await Promise.all([
        page.waitForEvent('download'),
        row(page, 'film #1.mp4').getByRole('button', { name: 'Download' }).press('Enter')
      ])
      t.equal(saved.suggestedFilename(), 'film #1.mp4')
      t.equal(statSync(await saved.path()).size, 6_000_000)
    })

    step('deletes the selected files as a job, and says what failed and why', async t => {
      control.fault({ kind: 'refusal', action: 'delete_file', text: 'Delete S3 file error: AccessDenied', count: 1 })
      await row(page, 'ü.txt').getByRole('checkbox').press('Space')
      t.equal(await page.locator('#selected').innerText(), '1 file selected')
      await page.getByLabel('3 files selected').or(page.locator('#select-all')).first().check()
      t.equal(await page.locator('#selected').innerText(), '3 files selected')
      await page.getByRole('button', { name: 'Delete selected' }).click()
      await page.getByRole('button', { name: 'Delete 3 files' }).click()
      await card('2 files deleted, 1 failed.').waitFor()
      t.match(
        await card('Delete 3 files').locator('.failures').innerText(),
        /\S+\s+forbidden · HOSTKEY does not allow this/
      )
      await page.locator('#count', { hasText: /^1 file$/ }).waitFor()
      t.equal(paths().length, 1)
      t.notOk(await page.locator('#delete-selected').isVisible(), 'nothing is selected')
      await page.getByRole('button', { name: 'Close: Delete 3 files' }).click()
      t.ok(await fits(page))
    })

    step('empties a bucket after its name is typed; the job outlives a reload and is cancelled', async t => {
      for (let n = 0; n < 150; n += 1) control.putFile('empty-bucket', `file-${n}`)
      control.fault({ kind: 'latency', action: 'delete_file', ms: 100 })
      const empty = async () => {
        await page.getByRole('button', { name: 'Empty bucket' }).press('Enter')
        t.ok(await page.locator('#confirm-yes').isDisabled())
        await page.locator('#confirm-more', { hasText: /file/ }).waitFor()
        await page.keyboard.type('empty-bucket')
        await page.keyboard.press('Enter')
      }
      await page.locator('#trail a', { hasText: 'empty-bucket' }).click()
      await row(page, 'file-1').waitFor()
      await empty()
      await card('Empty empty-bucket').filter({ hasText: 'of 151 files deleted' }).waitFor()
      await page.reload()
      await card('Empty empty-bucket').getByRole('button', { name: 'Cancel' }).press('Enter')
      await card('Cancelled: ').waitFor()
      const left = paths().length
      t.ok(left > 0 && left < 151, `${left} left`)
      t.match(await card('Cancelled: ').innerText(), new RegExp(`Cancelled: ${151 - left} files deleted, ${left} left`))
      control.clearFaults()
      await page.getByRole('button', { name: 'Close: ' }).click()
      await page.locator('#count', { hasText: /^\d+ file/ }).waitFor()
      await empty()
      await card(`${left} file`).filter({ hasText: 'deleted.' }).waitFor()
      await page.locator('#nothing').waitFor()
      t.same(paths(), [])
      t.ok(await eventually(async () => !(await page.locator('#delete-all').isVisible())))
      t.same(misdeeds(), NOTHING)
    })

    step('an ended session shows the login', async t => {
      control.expireSessions()
      await page.getByRole('link', { name: 'Overview' }).click()
      await heading(page, 'Log in')
      t.equal(await page.locator('#notice').innerText(), 'Your session has ended. Log in again.')
      t.equal(await page.locator('#email').innerText(), '')
      t.ok(await fits(page))
      ignoreStatus(401)
    })

    step('logs in by API key, keeps the session after a reload, and logs out', async t => {
      await page.locator('#api-key').fill(demo.apiKey)
      await page.keyboard.press('Enter')
      await heading(page, 'Overview')
      await page.reload()
      await page.locator('#buckets a').first().waitFor()
      t.equal(await page.locator('#email').innerText(), demo.email)
      await page.getByRole('button', { name: 'Log out' }).click()
      await heading(page, 'Log in')
      t.same(await at.context.cookies(), [])
      t.equal(await page.locator('#api-key').inputValue(), '', 'nothing is left in the form')
    })

    step('sent requests only to the gateway, kept its policy and logged no errors', async t => {
      t.same(misdeeds(), NOTHING)
    })
  })
}
