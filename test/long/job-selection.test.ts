import t from 'tap'
import { gateway } from '../support/harness/gateway.ts'
import { BUCKET, createJob, jobAfter, outcomesOf } from '../support/harness/jobs.ts'

/** Awkward ends of a prefix: inside a name, a composed and a decomposed letter, dots, percent signs, a marker of a folder. */
const PATHS = [
  ...['a/', 'a/b', 'a/bc', 'A/b', 'x/a/b', 'a', 'a%2Fb', 'a/%', 'a/../b', 'a/./', 'a//b'],
  ...['\u00e9/1', 'e\u0301/1', 'e/1', '\u{1f600}/1', '\u{1f601}/1', ' a/b', `a/${'y'.repeat(1022)}`]
]
const PREFIXES = ['a/', 'a/b', 'a', 'A', 'e', '\u00e9', 'a/.', 'a/%', '\u{1f600}', 'x/', 'nothing/']

t.test('a job deletes what begins with the prefix, whatever a search of HOSTKEY means', async t => {
  const running = await gateway(t)
  const { control } = running.sandbox
  const behaviours = [
    { searchMode: 'substring', listing: 'delimited' },
    { searchMode: 'prefix', listing: 'delimited' },
    { searchMode: 'ignored', listing: 'flat' },
    { searchMode: 'ignored', listing: 'delimited' }
  ] as const
  for (const behaviour of behaviours) {
    for (const prefix of PREFIXES) {
      control.reset()
      control.setBehaviours(behaviour)
      for (const path of PATHS) control.putFile(BUCKET, path)
      const { jobId } = await createJob(running, { prefix, confirm: BUCKET })
      const job = await jobAfter(running, jobId)
      const left = new Set(
        control
          .state()
          .buckets.find(({ name }) => name === BUCKET)
          ?.files.map(([path]) => path)
      )
      const label = `${JSON.stringify(behaviour)} ${prefix}`
      const inside = PATHS.filter(path => path.startsWith(prefix))
      t.strictSame(
        PATHS.filter(path => !path.startsWith(prefix) && !left.has(path)),
        [],
        `${label}: nothing else`
      )
      const kept = inside.filter(path => left.has(path))
      if (job.state === 'succeeded') t.strictSame(kept, [], `${label}: all of it`)
      else t.equal(job.counts.remaining, null, `${label}: what HOSTKEY does not list is not called done`)
      const outcomes = await outcomesOf(running, jobId)
      t.strictSame([...outcomes.keys()].sort(), inside.filter(path => !left.has(path)).sort(), `${label}: outcomes`)
    }
  }
})
