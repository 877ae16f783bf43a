export type NamedTexts = Readonly<Record<string, string | undefined>>

/** The members of a request that are text. It may have been refused: nothing here is validated. */
export interface RequestTexts {
  params: NamedTexts
  query: NamedTexts
  body: NamedTexts
}
