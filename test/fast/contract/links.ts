import { readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** A link of a page into the project: the file, and the heading in it where one is named. */
export interface PageLink {
  /** Path from the root of the project, `/` between its parts. */
  file: string
  heading: string | undefined
}

/** The links of a page but for those to other hosts. */
export const linksOf = (page: string): PageLink[] =>
  [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(
    ([, link = '', heading]) => ({ file: link === '' ? page : normalize(join(dirname(page), link)), heading })
  )

/** The headings of a page as links name them: in small letters, with a hyphen for each blank and nothing for the rest. */
const headingsOf = (page: string): string[] =>
  [...readFileSync(page, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-')
  )

/** Why a link leads nowhere; undefined when it leads somewhere. */
export const faultOf = ({ file, heading }: PageLink): string | undefined => {
  if (!statSync(file, { throwIfNoEntry: false })) return `${file} is not there`
  return heading === undefined || headingsOf(file).includes(heading) ? undefined : `${file} has no #${heading}`
}

/** Every page that a reader gets to from this one by links alone. */
export const reachableFrom = (page: string): Set<string> => {
  const seen = new Set([page])
  // A set goes on over what is added to it on the way.
  for (const each of seen) {
    for (const { file } of linksOf(each)) if (file.endsWith('.md')) seen.add(file)
  }
  return seen
}
