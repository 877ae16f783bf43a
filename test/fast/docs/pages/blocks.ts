import { readFileSync } from 'node:fs'

/** A fenced block of a page. */
export interface Block {
  /** The page and the line of its fence, such as `README.md:9`. */
  at: string
  language: string
  /** The second word of the fence: the name under which a reader saves the block. */
  file: string | undefined
  code: string
  /** Is only white space between the previous block and this one? */
  follows: boolean
}

const FENCE = /^( *)```(.*)$/

/** All fenced blocks of a page, in order. @throws Error when a fence is not closed */
export const blocksOf = (page: string): Block[] => {
  const blocks: Block[] = []
  let follows = false
  let open: { indent: string; info: string; line: number; lines: string[] } | undefined
  for (const [index, line] of readFileSync(page, 'utf8').split('\n').entries()) {
    const [, indent = '', info = ''] = FENCE.exec(line) ?? []
    if (open && FENCE.test(line) && info === '') {
      const [language = '', file] = open.info.trim().split(/\s+/)
      const code = `${open.lines.map(each => each.slice(open?.indent.length)).join('\n')}\n`
      blocks.push({ at: `${page}:${open.line}`, language, file, code, follows })
      open = undefined
      follows = true
    } else if (open) open.lines.push(line)
    else if (FENCE.test(line)) open = { indent, info, line: index + 1, lines: [] }
    else if (line.trim() !== '') follows = false
  }
  if (open) throw new Error(`${page}:${open.line} is not closed`)
  return blocks
}
