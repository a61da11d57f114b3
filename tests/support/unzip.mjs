// Enough of a ZIP reader to look into what materialise wrote: stored and deflated entries, names in UTF-8, no encryption.
import zlib from 'node:zlib'

function crc32(bytes) {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; ++bit) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

// name → content, from the central directory; checks sizes and checksums.
export function unzip(file) {
  const out = new Map()
  const end = file.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  if (end < 0) throw new Error('no end of central directory')
  let at = file.readUInt32LE(end + 16)
  for (let n = file.readUInt16LE(end + 10); n > 0; --n) {
    if (file.readUInt32LE(at) !== 0x02014b50) throw new Error('central directory is damaged')
    const method = file.readUInt16LE(at + 10)
    const [crc, packed, size] = [16, 20, 24].map((offset) => file.readUInt32LE(at + offset))
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => file.readUInt16LE(at + offset))
    const name = file.toString('utf8', at + 46, at + 46 + nameLength)
    const local = file.readUInt32LE(at + 42)
    const start = local + 30 + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28)
    const raw = file.subarray(start, start + packed)
    const content = method === 8 ? zlib.inflateRawSync(raw) : raw
    if (content.length !== size || crc32(content) !== crc) throw new Error(`${name} is damaged`)
    out.set(name, content)
    at += 46 + nameLength + extra + comment
  }
  return out
}
