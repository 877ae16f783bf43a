/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export const createDice = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Bytes with a meaning in HTTP, URLs or JSON. */
const TELLING = Buffer.from('\r\n\0 :/?#%&=+"\\{}[],;-._~\t\xff\x80\x7f0123', 'latin1')

/** The request with a few bytes flipped, inserted, removed, doubled or swapped. */
export const mutated = (request: Buffer, dice: () => number): Buffer => {
  let bytes = Buffer.from(request)
  for (let times = 1 + Math.floor(dice() * 4); times > 0; times -= 1) {
    const place = Math.floor(dice() * bytes.length)
    const length = dice() < 0.7 ? 1 : 1 + Math.floor(dice() * 24)
    const before = bytes.subarray(0, place)
    const piece = bytes.subarray(place, place + length)
    const after = bytes.subarray(place + length)
    const kind = Math.floor(dice() * 6)
    if (kind === 0) bytes[place] = (bytes[place] ?? 0) ^ (1 << Math.floor(dice() * 8))
    else if (kind === 1) bytes[place] = TELLING[Math.floor(dice() * TELLING.length)] ?? 0
    else if (kind === 2) bytes = Buffer.concat([before, after])
    else if (kind === 3) bytes = Buffer.concat([before, piece, piece, after])
    else if (kind === 4) bytes = Buffer.concat([before, TELLING.subarray(0, length), piece, after])
    else bytes = Buffer.concat([after, before, piece])
    if (bytes.length === 0) return Buffer.from('\r\n')
  }
  return bytes
}
