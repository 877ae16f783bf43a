import type { FastifyReply } from 'fastify'

/** Adds the header `Link` to a page that another one follows. @param linkTo the header, for the cursor of that page */
export const linkNext = <P extends { nextCursor: string | null }>(
  reply: Pick<FastifyReply, 'header'>,
  page: P,
  linkTo: (cursor: string) => string
): P => {
  if (page.nextCursor !== null) reply.header('link', linkTo(page.nextCursor))
  return page
}
