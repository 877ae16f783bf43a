import { globSync } from 'node:fs'
import t from 'tap'
import { executePage } from '../../fast/docs/pages/page.ts'

for (const page of globSync('examples/**/*.md').sort()) t.test(page, t => executePage(t, page))
