// Chance that can be replayed: the same numbers for the same seed (mulberry32). random(seed)(n) is in 0 … n-1.
export function random(seed) {
  let state = seed >>> 0
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 0x1_0000_0000) * bound)
  }
}
