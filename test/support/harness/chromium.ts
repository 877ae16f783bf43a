import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { needProgram } from './debian.ts'
import type { Lifetime } from './lifetime.ts'

/** No requests of the browser itself. No sandbox: Chromium's does not work for root. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

/** 30 s: the first page takes 10 s on a busy machine. */
const PATIENCE_MS = 30_000

/**
 * A Chromium with a new profile, closed at the end of the test: from `CHROMIUM_PATH` or `PATH`; on Debian, as root, it is
 * installed.
 * @throws Error that says what to install; the test is not skipped silently
 */
export const openBrowser = async (t: Lifetime, { width, height = 900 }: { width: number; height?: number }) => {
  const named = process.env['CHROMIUM_PATH'] ?? ''
  const executablePath = named || (await needProgram(['chromium', 'chromium-browser', 'google-chrome'], 'chromium'))
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: FLAGS,
    // With it Chromium gives a download any name that Unicode has.
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
    viewport: { width, height }
  })
  context.setDefaultTimeout(PATIENCE_MS)
  t.after(async () => {
    await context.close()
    rmSync(profile, { recursive: true, force: true })
  })
  return context
}

/** Unwanted actions of a page. */
export interface Misdeeds {
  /** Requests to other origins. */
  external: string[]
  /** Violations of its content security policy. */
  violations: string[]
  /** Errors and warnings on the console, and uncaught errors. */
  complaints: string[]
}

/** A new page whose misdeeds are recorded from its first request. */
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
