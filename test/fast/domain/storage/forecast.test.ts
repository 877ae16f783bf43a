import t from 'tap'
import { forecastOf, type Measurement } from '../../../../src/domain/storage/forecast.ts'

const DAY = 86_400_000
const GB = 1e9
const start = Date.UTC(2026, 9, 1)

/** One measurement a day. */
const daily = (bytes: readonly number[], from = start): Measurement[] =>
  bytes.map((storageBytes, n) => ({ storageBytes, createdAt: new Date(from + n * DAY).toISOString() }))

const forecast = (measurements: Measurement[], quotaBytes: number | undefined = 100 * GB) => {
  const storageBytes = measurements.at(-1)?.storageBytes ?? 0
  return forecastOf({ storageBytes, ...(quotaBytes !== undefined && { quotaBytes }) }, measurements, start + 100 * DAY)
}

const days = (count: number, bytesOf: (day: number) => number) =>
  daily(Array.from({ length: count }, (_, n) => bytesOf(n)))
const at = (day: number) => ({ createdAt: new Date(start + day * DAY).toISOString() })
const none = { growthBytesPerDay: null, daysUntilFull: null, basis: null }

t.test('storage that grows evenly is full after the rest divided by the growth', async t => {
  t.strictSame(forecast(days(11, day => 10 * GB + day * GB)), {
    growthBytesPerDay: GB,
    daysUntilFull: 80,
    basis: { snapshots: 11, from: '2026-10-01T00:00:00.000Z', to: '2026-10-11T00:00:00.000Z' }
  })
})

t.test('storage that stays, shrinks or swings is never full', async t => {
  t.hasStrict(forecast(days(10, () => 5 * GB)), { growthBytesPerDay: 0, daysUntilFull: null })
  t.hasStrict(forecast(days(10, day => 50 * GB - day * GB)), { growthBytesPerDay: -GB, daysUntilFull: null })
  const weekly = forecast(days(56, day => 50 * GB + 5 * GB * Math.sin((2 * Math.PI * day) / 7)))
  t.equal(weekly.daysUntilFull, null)
  t.ok(Math.abs(weekly.growthBytesPerDay ?? GB) < 0.1 * GB)
})

t.test('a swing does not hide a trend', async t => {
  const { growthBytesPerDay, daysUntilFull } = forecast(
    days(56, day => 10 * GB + 0.5 * day * GB + 2 * GB * Math.sin((2 * Math.PI * day) / 7))
  )
  t.ok(Math.abs((growthBytesPerDay ?? 0) - 0.5 * GB) < 0.05 * GB)
  t.ok(Math.abs((daysUntilFull ?? 0) - 125) < 15, String(daysUntilFull))
})

t.test('what was before a purge does not count', async t => {
  const sawtooth = daily([
    ...Array.from({ length: 20 }, (_, n) => (10 + 4 * n) * GB),
    10 * GB,
    12 * GB,
    14 * GB,
    16 * GB
  ])
  t.hasStrict(forecast(sawtooth), { growthBytesPerDay: 2 * GB, daysUntilFull: 42, basis: { snapshots: 4 } })
  t.strictSame(forecast(daily([80 * GB, 85 * GB, 90 * GB, 10 * GB])), none, 'too few since the purge')
})

t.test('null below three measurements, or a day', async t => {
  t.strictSame(forecast([]), none)
  t.strictSame(forecast(daily([GB, 2 * GB])), none)
  const hours = [0, 1, 2, 3].map(n => ({
    storageBytes: n * GB,
    createdAt: new Date(start + n * 3_600_000).toISOString()
  }))
  t.strictSame(forecast(hours), none)
  t.strictSame(forecast([{ storageBytes: 1 }, { createdAt: '2026-10-01T00:00:00Z' }, {}]), none)
})

t.test('a clock that jumped does not count', async t => {
  const even = days(11, day => 10 * GB + day * GB)
  const jumped = [
    ...even.slice(5),
    { storageBytes: GB, createdAt: '1970-01-01T00:00:00Z' },
    { storageBytes: 90 * GB, createdAt: '2099-01-01T00:00:00Z' },
    ...even.slice(0, 5)
  ]
  const storageBytes = 20 * GB
  const quotaBytes = 100 * GB
  t.strictSame(forecastOf({ storageBytes, quotaBytes }, jumped, start + 100 * DAY), forecast(even))
})

t.test('a clock that was set back, and measurements that are there twice, change little', async t => {
  const even = days(41, day => 10 * GB + day * GB)
  const setBack = even.map((each, n) => (n >= 30 && n < 35 ? { ...each, ...at(n - 10) } : each))
  const { growthBytesPerDay, daysUntilFull } = forecast(setBack)
  t.ok(Math.abs((growthBytesPerDay ?? 0) - GB) < 0.1 * GB, String(growthBytesPerDay))
  t.ok(Math.abs((daysUntilFull ?? 0) - 50) < 5, String(daysUntilFull))
  t.strictSame(forecast([...even, ...even]), forecast(even), 'all of them twice')
  t.strictSame(forecast([...daily([GB, 2 * GB]), ...daily([GB, 2 * GB])]), none, 'two are not four')
  t.strictSame(forecast([GB, 2 * GB, 3 * GB].map(storageBytes => ({ storageBytes, ...at(0) }))), none)
})

t.test('a month that repeats is no trend; a purge every week leaves the growth since the last one', async t => {
  const monthly = forecast(days(90, day => 50 * GB + 20 * GB * Math.sin((2 * Math.PI * day) / 30)))
  t.equal(monthly.daysUntilFull, null, String(monthly.growthBytesPerDay))
  const weekly = forecast(days(26, day => (10 + 10 * (day % 7)) * GB))
  t.hasStrict(weekly, { growthBytesPerDay: 10 * GB, daysUntilFull: 5, basis: { snapshots: 5 } })
})

t.test('full already: 0, whether it grows, stays or shrinks; empty, without a quota of 0: null', async t => {
  t.hasStrict(forecast(days(10, () => 100 * GB)), { growthBytesPerDay: 0, daysUntilFull: 0 })
  t.hasStrict(forecast(days(10, day => (120 - day) * GB)), { growthBytesPerDay: -GB, daysUntilFull: 0 })
  t.hasStrict(forecast(days(10, () => 0)), { growthBytesPerDay: 0, daysUntilFull: null })
  t.equal(
    forecast(
      days(10, day => day * GB),
      0
    ).daysUntilFull,
    null
  )
})

t.test('without a quota, or beyond ten years, no day; 0 when it is full already', async t => {
  t.equal(
    forecastOf(
      { storageBytes: GB },
      days(5, day => day * GB),
      start + 100 * DAY
    ).daysUntilFull,
    null
  )
  t.equal(forecast(days(11, day => 1000 * day)).daysUntilFull, null)
  t.equal(forecast(days(11, day => (100 + day) * GB)).daysUntilFull, 0)
})
