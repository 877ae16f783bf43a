import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { pathsIn, serveExample } from '../../fast/examples/examples.ts'
import { openBrowser, watchedPage } from '../../support/harness/chromium.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { stablePort } from '../../support/harness/stable-port.ts'

const HOSTILE = '../<img src=x onerror="document.title=1">.html'

/** The page on an origin of its own, a gateway that allows it, and a browser that records its faults. */
const stage = async (t: Test, width: number) => {
  const port = await stablePort()
  const api = `http://localhost:${port}`
  const origin = await serveExample(t, 'examples/browser/serve.ts', { PAGE_PORT: '0', GATEWAY: api })
  const running = await gateway(t, { PORT: String(port), ALLOWED_ORIGINS: origin })
  const context = await openBrowser(t, { width, height: 844 })
  const { page, misdeeds } = await watchedPage(context, origin)
  return {
    ...running,
    page,
    context,
    origin,
    misdeeds: () => ({ ...misdeeds, external: misdeeds.external.filter(url => !url.startsWith(`${api}/`)) }),
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
      t.match(await chart.getAttribute('aria-label'), /^Storage: 488 MiB on Oct 26, 2023, 977 MiB on Oct 27, 2023$/)
      t.equal(await chart.locator('circle').count(), 2)
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
