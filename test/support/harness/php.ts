import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { needProgram } from './debian.ts'
import { eventually } from './eventually.ts'
import type { Lifetime } from './lifetime.ts'
import { START_MS } from './processes.ts'
import { stablePort } from './stable-port.ts'

/** Answers with what PHP has made of a form: each key in its order, and the bytes of each text. */
const ECHO = `<?php
header('content-type: application/json');
$seen = [];
foreach ($_POST as $key => $value) {
  $seen[] = [base64_encode((string) $key), is_string($value) ? base64_encode($value) : null];
}
echo json_encode(['post' => $seen, 'get' => count($_GET), 'files' => count($_FILES), 'version' => PHP_VERSION]);
`

/** What PHP has read: keys in their order, and the text of each, or null where it is none. */
export interface ReadByPhp {
  fields: [key: string, value: string | null][]
  /** Fields that it took for something else than a form's. */
  others: number
  version: string
}

/** A PHP that reads forms as HOSTKEY's does: Debian's, with the settings that it comes with. */
export const phpServer = async (t: Lifetime) => {
  const php = await needProgram(['php'], 'php-cli')
  const folder = mkdtempSync(join(tmpdir(), 'php-'))
  const router = join(folder, 'echo.php')
  writeFileSync(router, ECHO)
  const port = await stablePort()
  const child = spawn(php, ['-q', '-S', `127.0.0.1:${port}`, router], {
    // Two answer while the one before is still being read.
    env: { PATH: process.env['PATH'], PHP_CLI_SERVER_WORKERS: '2' },
    stdio: 'ignore',
    detached: true
  })
  t.after(async () => {
    // Its workers are processes too, in a group of their own.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
    rmSync(folder, { recursive: true })
  })
  const url = `http://127.0.0.1:${port}/s3.php`
  const isUp = () =>
    request(url).then(
      async ({ body }) => (await body.json()) !== undefined,
      () => false
    )
  if (!(await eventually(isUp, START_MS))) throw new Error('php -S does not answer')
  return {
    async read(form: string): Promise<ReadByPhp> {
      const { body } = await request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', connection: 'close' },
        body: form
      })
      const { post, get, files, version } = (await body.json()) as {
        post: [string, string | null][]
        get: number
        files: number
        version: string
      }
      const text = (bytes: string) => Buffer.from(bytes, 'base64').toString('utf8')
      const fields = post.map(([key, value]): [string, string | null] => [
        text(key),
        value === null ? null : text(value)
      ])
      return { fields, others: get + files, version }
    }
  }
}
