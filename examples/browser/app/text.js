// Numbers, times and names as text.

import { html } from './elements.js'

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export const formatBytes = bytes => {
  if (bytes === undefined) return '–'
  const unit = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** unit
  const digits = unit === 0 || value >= 100 ? 0 : 1
  return `${value.toLocaleString('en', { maximumFractionDigits: digits })} ${UNITS[unit]}`
}

export const formatPercent = ratio => ratio.toLocaleString('en', { style: 'percent', maximumFractionDigits: 2 })

export const countOf = (count, word) => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`

/** In words that fit into a row. */
export const shortForecast = usage =>
  forecastText(usage)
    .replace('Grows by ', '+')
    .replace(/, full in about (\d+) /, ' · full\u00a0in\u00a0$1\u00a0')

const formatDays = days => {
  if (days < 60) return countOf(days, 'day')
  return days < 730 ? countOf(Math.round(days / 30.4), 'month') : countOf(Math.round(days / 365), 'year')
}

/** The forecast of an account in words. */
export const forecastText = ({ growthBytesPerDay: growth, daysUntilFull }) => {
  if (growth === null || growth === undefined) return 'No forecast yet'
  if (daysUntilFull === 0) return 'Full'
  if (growth <= 0) return growth === 0 ? 'Does not grow' : `Shrinks by ${formatBytes(-growth)} a day`
  const end = daysUntilFull ? `, full in about ${formatDays(daysUntilFull)}` : ''
  return `Grows by ${formatBytes(growth)} a day${end}`
}

export const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium' })
export const minute = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short', hour12: false })
export const time = (instant, format) =>
  instant ? html('time', { datetime: instant }, format.format(new Date(instant))) : ''

/** Invisible characters, and those that change the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a file name may hold any of them.
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

export const escapeInvisible = text => text.replace(INVISIBLE, found => `\\u{${found.codePointAt(0).toString(16)}}`)

/** Longer names are shown without their middle. The dialog shows the full name. */
const MAX_CHARACTERS = 80

const shorten = text => {
  const characters = [...text]
  if (characters.length <= MAX_CHARACTERS) return text
  const half = MAX_CHARACTERS / 2
  return `${characters.slice(0, half).join('')}…${characters.slice(-half).join('')}`
}

/** A name of a file, folder or bucket, as it can be shown in a sentence. */
export const shownName = text => shorten(escapeInvisible(text))

/** `bdi`: a right-to-left name does not reorder the text around it. */
export const nameElement = text => html('bdi', {}, shownName(text))

/** The last segment of a path, without the slash of a folder. */
export const lastOf = path => path.replace(/\/$/, '').split('/').at(-1)
