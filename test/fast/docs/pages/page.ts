import type { Test } from 'tap'
import { type Block, blocksOf } from './blocks.ts'
import { outputDifference } from './output.ts'
import { type DocStage, docStage } from './stage.ts'

/** What runs a block that is neither a command nor an output nor a file. */
export type Runner = (block: Block, stage: DocStage) => Promise<void>

const OUTPUTS = ['json', 'text']

/** Commands that print, and the output that the page shows for them. */
const runCommands = async (t: Test, stage: DocStage, block: Block, output: Block | undefined): Promise<void> => {
  const { code, stdout, stderr } = await stage.run(block.code)
  // A command that shows nothing but a failure is one that is meant to fail.
  const mayFail = output !== undefined && stdout.trim() === ''
  if (code !== 0 && !mayFail) t.fail(`ended with ${code}: ${stderr.slice(-500)}${stdout.slice(-500)}`)
  if (!output) {
    t.pass('ended well')
    return
  }
  const printed = stdout.trim() === '' ? stage.told(stderr) : stdout
  t.equal(outputDifference(printed, output.code, output.language), undefined, `prints what ${output.at} says`)
}

/**
 * Executes every block of a page, from top to bottom, as its reader would: commands in one shell, in front of what the
 * page itself has started. A block that nobody knows to execute fails.
 * @returns where it was executed
 * @param runners by language, what else there is on this page
 * @param isExecutedBefore has something else executed exactly this block?
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
        if (!runner) t.fail(`nobody knows to execute \`${language}\` here`)
        else await runner(block, stage)
        t.pass('was executed')
      })
    }
  }
  return stage
}
