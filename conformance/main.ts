import { runConformance } from './run.ts'

/** `npm run conformance`. */
process.exitCode = await runConformance(process.argv.slice(2), process.env, {
  out: text => process.stdout.write(text),
  err: text => process.stderr.write(text)
})
