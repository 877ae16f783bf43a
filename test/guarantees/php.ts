import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { needProgram } from '../support/harness/debian.ts'
import { eventually } from '../support/harness/eventually.ts'
import type { Lifetime } from '../support/harness/lifetime.ts'
import { START_MS } from '../support/harness/processes.ts'
import { stablePort } from '../support/harness/stable-port.ts'

/** Replies with the form as PHP reads it: the keys in order, and the bytes of each text. */
const ECHO = `<?php
header('content-type: application/json');
$seen = [];
foreach ($_POST as $key => $value) {
  $seen[] = [base64_encode((string) $key), is_string($value) ? base64_encode($value) : null];
}
echo json_encode(['post' => $seen, 'get' => count($_GET), 'files' => count($_FILES), 'version' => PHP_VERSION]);
`

/** The form as PHP reads it: keys in order with their text, or null for a value that is no text. */
export interface ReadByPhp {
  fields: [key: string, value: string | null][]
  /** Number of fields outside the form. */
  others: number
  version: string
}

/** Debian's PHP with its default settings, as HOSTKEY probably runs it (assumed). */
export const phpServer = async (t: Lifetime) => {
  const php = await needProgram(['php'], 'php-cli')
  const folder = mkdtempSync(join(tmpdir(), 'php-'))
  const router = join(folder, 'echo.php')
  writeFileSync(router, ECHO)
  const port = await stablePort()
  const child = spawn(php, ['-q', '-S', `127.0.0.1:${port}`, router], {
    // Two workers: one may still read while the next request arrives.
    env: { PATH: process.env['PATH'], PHP_CLI_SERVER_WORKERS: '2' },
    stdio: 'ignore',
    detached: true
  })
  t.after(async () => {
    // The workers are processes of the same group.
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
