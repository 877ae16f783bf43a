import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { needProgram } from './debian.ts'
import type { Lifetime } from './lifetime.ts'

/** Nothing of a browser that would call home, and no sandbox: its own does not work for root. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

/** 30 s: a machine that is busy with other tests draws its first page in ten. */
const PATIENCE_MS = 30_000

/**
 * A real Chromium with a fresh profile, closed at the end of the test: the one that `CHROMIUM_PATH` names, or the first
 * in `PATH`; on Debian, as root, it is installed.
 * @throws Error that says what to do by hand: a browser test is never skipped in silence
 */
export const openBrowser = async (t: Lifetime, { width, height = 900 }: { width: number; height?: number }) => {
  const named = process.env['CHROMIUM_PATH'] ?? ''
  const executablePath = named || (await needProgram(['chromium', 'chromium-browser', 'google-chrome'], 'chromium'))
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: FLAGS,
    viewport: { width, height }
  })
  context.setDefaultTimeout(PATIENCE_MS)
  t.after(async () => {
    await context.close()
    rmSync(profile, { recursive: true, force: true })
  })
  return context
}

/** What a page did that it should not have done. */
export interface Misdeeds {
  /** Requests to anybody but its own origin. */
  external: string[]
  /** What its content security policy has stopped. */
  violations: string[]
  /** Errors and warnings on the console, and uncaught errors. */
  complaints: string[]
}

/** A new page that is watched from its first request on. */
export const watchedPage = async (
  context: BrowserContext,
  origin: string
): Promise<{ page: Page; misdeeds: Misdeeds }> => {
  const misdeeds: Misdeeds = { external: [], violations: [], complaints: [] }
  const page = await context.newPage()
  page.on('request', request => {
    const url = request.url()
    if (!url.startsWith(`${origin}/`) && !url.startsWith('data:')) misdeeds.external.push(url)
  })
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) misdeeds.complaints.push(message.text())
  })
  page.on('pageerror', error => misdeeds.complaints.push(String(error)))
  await page.exposeFunction('tellViolation', (violation: string) => misdeeds.violations.push(violation))
  await page.addInitScript({
    content: `document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      tellViolation(violatedDirective + ' ' + blockedURI))`
  })
  return { page, misdeeds }
}
