// The accounts, and the buckets and the usage of one of them.

import { sparkline, trendChart } from './chart.js'
import { $, bar, html, icon } from './elements.js'
import { accountPath } from './gateway.js'
import { addressOf, ask, notify, open } from './page.js'
import { day, forecastText, formatBytes, formatPercent, nameElement, shortForecast, time } from './text.js'

export const showOverview = async ({ account: requested }) => {
  const { items } = await ask('GET', '/accounts')
  const account = items.find(({ s3uid }) => s3uid === requested) ?? items[0]
  $('buckets').replaceChildren()
  showUsage(undefined)
  showAccounts(items, account)
  open('overview', 'Storage')
  if (!account) return notify('There is no account yet.')
  const path = accountPath(account.s3uid)
  $('usage-title').textContent = [account.s3uid, account.location].filter(Boolean).join(' · ')
  const buckets = (await ask('GET', `${path}/buckets`)).items
  showBuckets(account.s3uid, buckets)
  // Usage is slower and has its own rate limit: show the buckets first.
  const usage = await ask('GET', `${path}/usage`)
  showUsage(usage)
  showBuckets(account.s3uid, buckets, usage)
  if (items.length > 1) showAccounts(items, account, await ask('GET', '/usage'))
}

// ── All accounts ────────────────────────────────────────────────────────────────────────────────────────────────────

/** @param list the usage of all accounts; undefined until it is known */
const showAccounts = (accounts, shown, list = { items: [], partial: [] }) => {
  $('all-accounts').hidden = accounts.length < 2
  const usageOf = new Map(list.items.map(usage => [usage.s3uid, usage]))
  const problemOf = new Map(list.partial.map(({ s3uid, problem }) => [s3uid, problem]))
  const sum = key => list.items.reduce((total, usage) => total + (usage[key] ?? 0), 0)
  $('all-used').textContent = list.items.length
    ? `${formatBytes(sum('storageBytes'))} of ${formatBytes(sum('quotaBytes'))}`
    : ''
  keepingFocus($('accounts'), () =>
    accounts.map(account => accountRow(account, shown, usageOf.get(account.s3uid), problemOf.get(account.s3uid)))
  )
}

const accountRow = ({ s3uid, location }, shown, usage, problem) =>
  html(
    'li',
    {},
    html(
      'a',
      { class: 'name', href: addressOf({ account: s3uid }), ...(s3uid === shown?.s3uid && { 'aria-current': 'true' }) },
      nameElement(s3uid),
      html('span', { class: 'dim' }, location ?? '')
    ),
    html('span', { class: 'share' }, bar(usage?.quotaUsedRatio ?? 0, { isQuota: true })),
    html('span', { class: 'meta' }, usage ? quotaText(usage) : ''),
    html('span', { class: 'dim forecast' }, problem ? `Unknown: ${problem.title}` : usage ? shortForecast(usage) : ''),
    html('span', { class: 'trend' }, usage ? sparkline(usage) : '')
  )

const quotaText = ({ storageBytes, quotaBytes, quotaUsedRatio }) =>
  quotaBytes ? `${formatPercent(quotaUsedRatio ?? 0)} of ${formatBytes(quotaBytes)}` : formatBytes(storageBytes)

// ── One account ─────────────────────────────────────────────────────────────────────────────────────────────────────

const showBuckets = (account, buckets, usage) => {
  const sizes = new Map(usage?.buckets.map(({ name, storageBytes }) => [name, storageBytes]))
  const largest = Math.max(1, ...[...sizes.values()].map(size => size ?? 0))
  const rows = buckets.map(({ name, createdAt }) =>
    html(
      'li',
      {},
      html('a', { class: 'name', href: addressOf({ account, bucket: name }) }, icon('bucket'), nameElement(name)),
      html('span', { class: 'share' }, bar((sizes.get(name) ?? 0) / largest)),
      html('span', { class: 'meta' }, formatBytes(sizes.get(name))),
      html('span', { class: 'meta date' }, time(createdAt, day))
    )
  )
  keepingFocus($('buckets'), () =>
    rows.length ? rows : [html('li', { class: 'empty' }, 'This account has no bucket.')]
  )
}

/** Replaces the rows of a list; the same link keeps the focus. */
const keepingFocus = (list, rowsOf) => {
  const focused = [...list.querySelectorAll('a')].indexOf(document.activeElement)
  list.replaceChildren(...rowsOf())
  list.querySelectorAll('a')[focused]?.focus()
}

let drawTrend = () => undefined

/** @param usage undefined until it is known */
const showUsage = usage => {
  $('used').textContent = formatBytes(usage?.storageBytes)
  $('quota').replaceChildren(bar(usage?.quotaUsedRatio ?? 0, { isQuota: true }))
  $('quota-text').textContent = usage?.quotaBytes ? quotaText(usage) : ''
  $('forecast').textContent = usage ? forecastText(usage) : ''
  const chart = $('trend-chart')
  drawTrend = () => chart.replaceChildren(...(usage ? [trendChart(usage, chart.clientWidth)] : []))
  drawTrend()
}

new ResizeObserver(() => drawTrend()).observe($('trend-chart'))
