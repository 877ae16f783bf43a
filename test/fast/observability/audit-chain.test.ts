import { spawnSync } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createAudit, openAuditStream } from '../../../src/observability/audit.ts'
import { verifyAudit } from '../../../src/observability/audit-verification.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

const fail = () => t.fail('the audit log cannot be written')

/** A process that writes events to a file. */
const createWriter = (file: string) => {
  const stream = openAuditStream(file, fail)
  const audit = createAudit(stream)
  const write = (count: number) => {
    for (let n = 0; n < count; n += 1) audit.record({ event: 'key.read', outcome: 'ok', requestId: `r${n}` })
  }
  return { write, reopen: () => stream.reopen(), head: audit.head }
}

const faultsIn = (...texts: string[]) =>
  verifyAudit(texts.map((text, index) => ({ name: String(index), text }))).faults.map(
    ({ file, line, detail }) => `${file}:${line} ${detail.replace(/[0-9a-f]{12}/, 'C')}`
  )

t.test('the chain of an audit log', async t => {
  const fileOf = (t: Test) => join(temporaryFolder(t), 'audit.log')

  t.test('goes on after a restart, and beside another process', async t => {
    const file = fileOf(t)
    createWriter(file).write(2)
    const [second, third] = [createWriter(file), createWriter(file)]
    for (const writer of [second, third, second]) writer.write(1)
    const text = readFileSync(file, 'utf8')
    t.strictSame(faultsIn(text), [])
    t.equal(text.split('\n').length, 9, 'each chain begins with a line of its own')
    // Without the last line of the first process: the second one has seen it.
    const lines = text.split('\n')
    t.strictSame(faultsIn(lines.toSpliced(2, 1).join('\n')), ['0:3 the lines before it are missing'])
  })

  t.test('goes on in the next file after a rotation', async t => {
    const file = fileOf(t)
    const writer = createWriter(file)
    writer.write(2)
    renameSync(file, `${file}.1`)
    writer.reopen()
    writer.write(2)
    const [old, current] = [readFileSync(`${file}.1`, 'utf8'), readFileSync(file, 'utf8')]
    t.strictSame(faultsIn(old, current), [])
    t.strictSame(faultsIn(current), [])
    t.strictSame(faultsIn(old.split('\n').toSpliced(2, 1).join('\n'), current), [
      '1:1 lines 2 to 2 of chain C are missing'
    ])
    t.strictSame(faultsIn(current.split('\n').slice(1).join('\n')), ['0:1 the lines of chain C before it are missing'])
  })

  t.test('goes on after a line that a crash has cut, which is found', async t => {
    const file = fileOf(t)
    createWriter(file).write(1)
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, -20))
    createWriter(file).write(1)
    t.strictSame(faultsIn(readFileSync(file, 'utf8')), ['0:2 the line is cut'])
  })

  t.test('npm run audit:verify names what was done to a file, and exits with 1', async t => {
    const file = fileOf(t)
    const writer = createWriter(file)
    writer.write(5)
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    const verify = (changed: string[], ...args: string[]) => {
      writeFileSync(file, `${changed.join('\n')}\n`)
      const { status, stderr } = spawnSync(process.execPath, ['scripts/audit-verify.ts', ...args, file], {
        encoding: 'utf8'
      })
      return [
        status,
        ...stderr
          .trimEnd()
          .replaceAll(`${file}:`, '')
          .replace(/[0-9a-f]{12}/g, 'C')
          .split('\n')
      ]
    }
    t.strictSame(verify(['banner', '{"level":"info"}', ...lines]), [0, ''], 'lines of another log are skipped')
    t.strictSame(verify(lines.with(2, lines[2]?.replace('"ok"', '"no"') ?? '')), [1, '3 the line was changed'])
    t.strictSame(verify(lines.with(5, lines[5]?.replace('"ok"', '"no"') ?? '')), [1, '6 the line was changed'])
    t.strictSame(verify(lines.toSpliced(2, 2)), [1, '3 lines 2 to 3 of chain C are missing'])
    t.strictSame(verify(lines.slice(1)), [1, '1 the lines of chain C before it are missing'])
    t.strictSame(verify(lines.with(3, lines[3]?.slice(0, 40) ?? '')), [
      1,
      '4 the line is cut',
      '5 lines 3 to 3 of chain C are missing'
    ])
    t.strictSame(verify([...lines.slice(0, 2), lines[3] ?? '', lines[2] ?? '', ...lines.slice(4)]), [
      1,
      '3 lines 2 to 2 of chain C are missing',
      '4 line 2 of chain C comes after line 3',
      '5 lines 3 to 3 of chain C are missing'
    ])
    const hash = writer.head()?.hash ?? ''
    t.strictSame(verify(lines, '--head', hash), [0, ''])
    t.equal(verify(lines.slice(0, -1), '--head', hash)[0], 1, 'the last line is missing')
    t.equal(verify(lines, '--unknown')[0], 2)
  })
})
