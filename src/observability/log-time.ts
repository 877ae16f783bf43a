let second = Number.NaN
let secondText = ''

/** RFC 3339 in UTC with milliseconds. The text of a second is kept: a Date makes it in the time of the rest of a line. */
export const timeNow = (): string => {
  const now = Date.now()
  const ms = now % 1000
  if (now - ms !== second) {
    second = now - ms
    secondText = new Date(now).toISOString().slice(0, 20)
  }
  return `${secondText}${String(ms).padStart(3, '0')}Z`
}

/** The member of a line of pino's. */
export const timeMember = (): string => `,"time":"${timeNow()}"`
