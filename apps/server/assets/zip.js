/* A zip archive without compression, which pictures do not need. Layout: PKWARE's APPNOTE, 4.3. */
"use strict";

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; ++bit) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/* Little-endian fields, as [bytes, value] pairs. */
function record(fields) {
  const made = new DataView(new ArrayBuffer(fields.reduce((sum, [size]) => sum + size, 0)));
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 4) made.setUint32(at, value, true);
    else made.setUint16(at, value, true);
    at += size;
  }
  return made.buffer;
}

/* entries: [{name, blob}]; names are made different where they are not. Throws a Failure where they
   are too many or too large for the fields of the format. */
async function zipOf(entries) {
  const kUtf8Names = 1 << 11;
  const taken = new Set();
  const parts = [];
  const index = [];
  let offset = 0;
  for (const { name, blob } of entries) {
    let unique = name;
    for (let n = 2; taken.has(unique); ++n) unique = name.replace(/(\.[^.]*)?$/, ` (${n})$1`);
    taken.add(unique);
    const text = new TextEncoder().encode(unique);
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const facts = [[2, kUtf8Names], [2, 0], [2, 0], [2, 0x21], [4, crc32(bytes)], [4, bytes.length],
      [4, bytes.length], [2, text.length], [2, 0]];
    const head = record([[4, 0x04034b50], [2, 20], ...facts]);
    parts.push(head, text, bytes);
    index.push(record([[4, 0x02014b50], [2, 20], [2, 20], ...facts, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]), text);
    offset += head.byteLength + text.length + bytes.length;
  }
  const length = index.reduce((sum, part) => sum + part.byteLength, 0);
  const count = taken.size;
  if (count > 0xffff || offset + length > 0xffffffff)
    throw new Failure("These are too many pictures for one archive: save them one by one.");
  const end = record([[4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, length], [4, offset], [2, 0]]);
  return new Blob([...parts, ...index, end], { type: "application/zip" });
}
