import { globSync } from 'node:fs'
import t from 'tap'
import { executePage } from '../../fast/docs/pages/page.ts'

// 100 s: each page starts a gateway, and one builds the client.
t.setTimeout(100_000)

for (const page of globSync('examples/**/*.md').sort()) t.test(page, t => executePage(t, page))
