import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { pathsIn } from '../../fast/examples/examples.ts'
import { authority } from '../../support/harness/certificates.ts'
import { engines, FIND } from '../../support/harness/engines.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { needPackage } from '../../support/harness/npm-package.ts'
import { stablePort } from '../../support/harness/stable-port.ts'
import { untilListening } from '../../support/harness/until-listening.ts'

const SOURCE = 'examples/react'
const vite = await needPackage('example-react', SOURCE, 'vite/bin/vite.js')

/** A copy with installed packages, two folders below the project, as the example is. */
const copy = (t: Test): string => {
  const folder = mkdtempSync('.tools/react-')
  t.after(async () => rmSync(folder, { recursive: true, force: true }))
  cpSync(SOURCE, folder, { recursive: true, filter: path => !path.includes('node_modules') })
  symlinkSync(resolve(vite, '../../..'), join(folder, 'node_modules'))
  return folder
}

/** Vite's server in front of a gateway, as the page of the example says. */
const serve = async (t: Test, folder: string, scheme: 'http' | 'https') => {
  const [port, pagePort] = [await stablePort(), await stablePort()]
  const origin = `${scheme}://localhost:${pagePort}`
  const running = await gateway(t, { PORT: String(port), BASE_PATH: '/api', PUBLIC_URL: `${origin}/api` })
  const env = { PATH: process.env['PATH'], GATEWAY: `http://127.0.0.1:${port}`, PAGE_PORT: String(pagePort) }
  const child = spawn(process.execPath, [resolve(vite), '--host', '127.0.0.1'], { cwd: folder, env, stdio: 'ignore' })
  const ended = once(child, 'exit')
  t.after(async () => {
    child.kill()
    await ended
  })
  await untilListening(pagePort, child)
  return { ...running, origin }
}

const LOG_IN = `const enter = async (name, value) => {
  const field = await find('input[name=' + name + ']')
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, value)
}
await enter('email', input.email)
await enter('password', input.password)
document.querySelector('button').click()`

const READ_ALL = `await find('li')
let pages = 1
for (let shown; (shown = document.querySelectorAll('li').length, document.querySelector('button')); pages += 1) {
  document.querySelector('button').click()
  while (document.querySelectorAll('li').length === shown) await new Promise(resolve => setTimeout(resolve, 20))
}
return { pages, files: [...document.querySelectorAll('li bdi')].map(each => each.textContent) }`

t.test('examples/react compiles with strict types', async t => {
  const { stdout } = await promisify(execFile)('node_modules/.bin/tsc', ['-p', copy(t)])
  t.equal(stdout, '')
})

for (const name of ['Chromium', 'WebKit'] as const) {
  t.test(`examples/react in ${name}: logs in, and reads every page of a list`, async t => {
    const folder = copy(t)
    const { keepsSecureCookies, open } = engines[name]
    if (!keepsSecureCookies) {
      const { cert, key } = await (await authority(t)).sign()
      writeFileSync(join(folder, 'cert.pem'), cert)
      writeFileSync(join(folder, 'key.pem'), key)
    }
    const { origin, sandbox } = await serve(t, folder, keepsSecureCookies ? 'http' : 'https')
    const page = await open(t)
    await page.goto(origin)
    const { email, password } = sandbox.demo
    const input = JSON.stringify({ email, password })
    const result = await page.evaluate(`(async () => { const input = ${input}\n${FIND}\n${LOG_IN}\n${READ_ALL} })()`)
    const files = pathsIn(sandbox, 'holiday-pictures')
    t.match(result, { pages: Math.ceil(files.length / 100) })
    t.same((result as { files: string[] }).files.sort(), files.sort())
  })
}
