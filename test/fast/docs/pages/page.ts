import type { Test } from 'tap'
import { type Block, blocksOf } from './blocks.ts'
import { outputDifference } from './output.ts'
import { type DocStage, docStage } from './stage.ts'

/** Runs a block that is no command, output or file. */
export type Runner = (block: Block, stage: DocStage) => Promise<void>

const OUTPUTS = ['json', 'text']

/** Runs commands, and compares what they print with the output on the page. */
const runCommands = async (t: Test, stage: DocStage, block: Block, output: Block | undefined): Promise<void> => {
  const { code, stdout, stderr } = await stage.run(block.code)
  // A command for which the page shows only an error message is expected to fail.
  const mayFail = output !== undefined && stdout.trim() === ''
  if (code !== 0 && !mayFail) t.fail(`ended with ${code}: ${stderr.slice(-1000)}${stdout.slice(-4000)}`)
  if (!output) {
    t.pass('exit code 0')
    return
  }
  const printed = stdout.trim() === '' ? stage.asOnPage(stderr) : stdout
  t.equal(outputDifference(printed, output.code, output.language), undefined, `prints the output of ${output.at}`)
}

/**
 * Executes every block of a page, from top to bottom, as a reader would: commands run in one shell, against the programs
 * that the page started. A block without a runner fails.
 * @returns the stage on which the page was executed
 * @param runners by language, for blocks that are no commands
 * @param isExecutedBefore was exactly this block executed elsewhere?
 */
export const executePage = async (
  t: Test,
  page: string,
  {
    runners = {},
    isExecutedBefore
  }: { runners?: Record<string, Runner>; isExecutedBefore?: (block: Block) => boolean } = {}
): Promise<DocStage> => {
  const blocks = blocksOf(page)
  t.ok(blocks.length > 0, `${page} has blocks`)
  const stage = await docStage(t)
  for (const [index, block] of blocks.entries()) {
    const { at, language, file, code } = block
    if (isExecutedBefore?.(block)) t.pass(`${at} is executed before`)
    else if (language === 'sh') {
      const next = blocks[index + 1]
      const output = next?.follows && OUTPUTS.includes(next.language) && !next.file ? next : undefined
      await t.test(at, async t => runCommands(t, stage, block, output))
    } else if (file !== undefined) stage.save(file, code)
    else if (OUTPUTS.includes(language) && block.follows && blocks[index - 1]?.language === 'sh') continue
    else {
      const runner = runners[language]
      await t.test(at, async t => {
        if (!runner) t.fail(`no runner for \`${language}\``)
        else await runner(block, stage)
        t.pass('was executed')
      })
    }
  }
  return stage
}
