import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { openBrowser } from './chromium.ts'
import { needProgram } from './debian.ts'
import type { Lifetime } from './lifetime.ts'
import { stablePort } from './stable-port.ts'
import { untilListening } from './until-listening.ts'

/** What every browser can do, whatever drives it. */
export interface EnginePage {
  goto(url: string): Promise<void>
  /** The value of an expression, which may be a promise. @throws Error with the message of the page's error */
  evaluate(expression: string): Promise<unknown>
}

/** Code for `evaluate`: `await find(selector)` waits for an element, `await find(selector, text)` for one with a text. */
export const FIND = `const find = async (selector, text = '') => {
  for (let tries = 0; tries < 600; tries += 1) {
    const found = [...document.querySelectorAll(selector)].find(each => each.textContent.includes(text))
    if (found) return found
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error('no ' + selector + ' ' + text + ': ' + document.body.innerText.slice(0, 1000))
}`

/** 60 s: the first page takes 20 s on a busy machine. */
const PATIENCE_MS = 60_000

/** Settings of Firefox: no requests of the browser itself. */
const PREFERENCES = {
  'app.normandy.enabled': false,
  'app.update.auto': false,
  'browser.aboutwelcome.enabled': false,
  'browser.newtabpage.enabled': false,
  'browser.safebrowsing.downloads.remote.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.enabled': false
}

const temporaryFolder = (t: Lifetime, prefix: string): string => {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  t.after(async () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }))
  return folder
}

/** Ends a process, and what it has started. */
const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  process.kill(-(child.pid ?? 0), 'SIGKILL')
  await exited
}

/** Waits for a line. @returns the first group of the pattern */
const lineOf = async (stream: Readable, pattern: RegExp): Promise<string> => {
  for await (const line of createInterface({ input: stream })) {
    const found = pattern.exec(line)
    if (!found) continue
    // Unread output would stop the process.
    stream.resume()
    return found[1] ?? ''
  }
  throw new Error(`no line ${pattern}`)
}

/** Firefox by WebDriver BiDi, which it speaks itself: Playwright drives only a Firefox of its own. */
const openFirefox = async (t: Lifetime): Promise<EnginePage> => {
  const program = await needProgram(['firefox-esr', 'firefox'], 'firefox-esr')
  const profile = temporaryFolder(t, 'firefox-')
  const preferences = Object.entries(PREFERENCES).map(
    pair => `user_pref(${pair.map(x => JSON.stringify(x)).join(', ')});`
  )
  writeFileSync(join(profile, 'user.js'), preferences.join('\n'))
  const child = spawn(program, ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1' }
  })
  t.after(() => end(child))
  const socket = new WebSocket(`${await lineOf(child.stderr, /WebDriver BiDi listening on (ws:\S+)/)}/session`)
  t.after(async () => socket.close())
  await once(socket, 'open')
  const waiting = new Map<number, PromiseWithResolvers<BidiResult>>()
  socket.addEventListener('message', ({ data }) => {
    const { id, error, message, result } = JSON.parse(String(data))
    if (error === undefined) waiting.get(id)?.resolve(result)
    else waiting.get(id)?.reject(new Error(`${error}: ${message}`))
  })
  let sent = 0
  const send = (method: string, params: object): Promise<BidiResult> => {
    sent += 1
    const answer = Promise.withResolvers<BidiResult>()
    waiting.set(sent, answer)
    socket.send(JSON.stringify({ id: sent, method, params }))
    return withPatience(method, answer.promise)
  }
  await send('session.new', { capabilities: {} })
  const { context } = await send('browsingContext.create', { type: 'tab' })
  return {
    async goto(url) {
      await send('browsingContext.navigate', { context, url, wait: 'complete' })
    },
    async evaluate(expression) {
      const { result, exceptionDetails } = await send('script.evaluate', {
        expression: asJson(expression),
        target: { context },
        awaitPromise: true
      })
      if (exceptionDetails) throw new Error(exceptionDetails.text)
      return fromJson(result?.value)
    }
  }
}

interface BidiResult {
  context?: string
  result?: { value?: string }
  exceptionDetails?: { text: string }
}

/** WebKit by WebDriver, with Debian's browser for tests on a virtual screen: it has no headless mode. */
const openWebKit = async (t: Lifetime): Promise<EnginePage> => {
  const driver = await needProgram(['WebKitWebDriver'], 'webkit2gtk-driver')
  const screen = await needProgram(['Xvfb'], 'xvfb')
  const home = temporaryFolder(t, 'webkit-')
  const display = spawn(screen, ['-displayfd', '3', '-screen', '0', '1280x900x24', '-nolisten', 'tcp'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe']
  })
  t.after(() => end(display))
  const number = await lineOf(display.stdio[3] as Readable, /^(\d+)$/)
  const port = await stablePort()
  const child = spawn(driver, ['--host=127.0.0.1', `--port=${port}`], {
    detached: true,
    stdio: 'ignore',
    // WebKit's own sandbox does not work for root in a container.
    env: { ...process.env, HOME: home, DISPLAY: `:${number}`, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' }
  })
  t.after(() => end(child))
  await untilListening(port, child)
  const send = async (path: string, body: object): Promise<unknown> => {
    const reply = await fetch(`http://127.0.0.1:${port}/session${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS)
    })
    const { value } = (await reply.json()) as { value: { message?: string } }
    if (!reply.ok) throw new Error(`WebKitWebDriver: ${value.message}`)
    return value
  }
  const { sessionId } = (await send('', {
    capabilities: { alwaysMatch: { acceptInsecureCerts: true, timeouts: { script: PATIENCE_MS } } }
  })) as {
    sessionId: string
  }
  return {
    async goto(url) {
      await send(`/${sessionId}/url`, { url })
    },
    async evaluate(expression) {
      const script = `const done = arguments[0]; (${asJson(expression)}).then(
        value => done({ value }), error => done({ error: String(error) }))`
      const { value, error } = (await send(`/${sessionId}/execute/async`, { script, args: [] })) as {
        value?: string
        error?: string
      }
      if (error !== undefined) throw new Error(error)
      return fromJson(value)
    }
  }
}

/** As JSON the value is the same for each protocol. */
const asJson = (expression: string): string => `(async () => JSON.stringify({ value: await (${expression}) }))()`
const fromJson = (text = '{}'): unknown => JSON.parse(text).value

const withPatience = async <T>(what: string, answer: Promise<T>): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer to ${what}`)), PATIENCE_MS)
  return Promise.race([answer, promise]).finally(() => clearTimeout(timer))
}

const openChromium = async (t: Lifetime): Promise<EnginePage> => {
  const page = await (await openBrowser(t, { width: 1280 })).newPage()
  return { goto: async url => void (await page.goto(url)), evaluate: expression => page.evaluate(expression) }
}

/**
 * Opens a page in a new profile, closed at the end of the test. A missing browser is installed on Debian as root.
 * `keepsSecureCookies`: does the browser accept a `Secure` cookie from http://localhost?
 */
export const engines = {
  Chromium: { open: openChromium, keepsSecureCookies: true },
  Firefox: { open: openFirefox, keepsSecureCookies: true },
  WebKit: { open: openWebKit, keepsSecureCookies: false }
}
