import type { Bucket, Paths } from './state.ts'
import { putFile } from './storage.ts'

/** Paths that break code which trims, decodes, encodes, normalises or splits them. */
export const awkwardPaths: readonly string[] = [
  'with space.txt',
  ' leading space.txt',
  'trailing space ',
  'a+b.txt',
  '100%.txt',
  '%.txt',
  'a%2Fb',
  'a%20b.txt',
  'what?.txt',
  'query?a=1&b=2',
  'hash#1.txt',
  'semi;colon.txt',
  'back\\slash.txt',
  'quote".txt',
  "apostrophe'.txt",
  'comma,equals=.txt',
  'dots...txt',
  'new\nline.txt',
  'tab\tstop.txt',
  'caf\u00e9.txt',
  'cafe\u0301.txt',
  '\u65e5\u672c\u8a9e.txt',
  '\u043a\u043b\u044e\u0447.txt',
  '\u{1f600}.png',
  '\ufb01.txt',
  '<img src=x onerror=alert(1)>.html',
  '/leading/slash.txt',
  '/',
  'a//b',
  'a/../b',
  'a/./b',
  '..',
  '.',
  '../up.txt',
  'trail/',
  'trail/inside.txt',
  '__proto__',
  'constructor',
  'token',
  'x'.repeat(1024)
]

/** When file number `n` was stored: each a minute after the previous one. */
const storedAt = (n: number) => `${new Date(Date.UTC(2023, 9, 27, 10, n)).toISOString().slice(0, 19)}Z`

const pad = (n: number, digits: number) => String(n).padStart(digits, '0')

/** About 300 files: at the root, in nested folders, and with the awkward paths. */
export const fillPictures = (bucket: Bucket): void => {
  const nested = ['2021', '2022', '2023'].flatMap(year =>
    ['spring', 'summer/beach', 'summer/mountains', 'winter'].flatMap(season =>
      Array.from({ length: 12 }, (_, n) => `${year}/${season}/picture-${pad(n + 1, 3)}.jpg`)
    )
  )
  const atRoot = Array.from({ length: 120 }, (_, n) => `picture-${pad(n + 1, 3)}.jpg`)
  for (const [n, path] of [...atRoot, ...nested, ...awkwardPaths].entries()) {
    putFile(bucket, path, 1024 * (n + 1), storedAt(n))
  }
}

/** 5,000 files at the root and 1,000 in folders by day. */
export const fillLogs = (bucket: Bucket): void => {
  for (let n = 0; n < 5_000; n += 1) putFile(bucket, `access-${pad(n, 5)}.log.gz`, 4096 + n, storedAt(n))
  for (let n = 0; n < 1_000; n += 1) {
    putFile(bucket, `2023/10/${pad((n % 28) + 1, 2)}/error-${pad(n, 4)}.log`, 512, storedAt(n))
  }
}

/** `file-00000000.bin` and so on, computed on demand. */
export const numberedPaths = (count: number): Paths => ({
  length: count,
  at: index => (index < count ? `file-${pad(index, 8)}.bin` : undefined)
})
