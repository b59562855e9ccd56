#!/usr/bin/env python3
"""Makes most of the small pictures of tests/fuzz/corpus/strips: several pages, tiles, turned, bottom up, 16 bits.

    python3 tools/make_fuzz_pages.py tests/fuzz/corpus/strips

The files are the same every time, and higher than the rows that readers take together. They are put together byte by byte.
"""
import pathlib
import struct
import sys
import zlib

SHORT, LONG, LONG8 = 3, 4, 16
SIZES = {SHORT: "H", LONG: "I", LONG8: "Q"}


def sample(x, y, c):
    return (x * 7 + y * 3 + c * 40 + (x * y) % 5) % 256


def rows(width, height, channels, bits=8, order="<"):
    """Interleaved samples, row by row."""
    wide = {8: "B", 16: "H"}[bits]
    scale = {8: 1, 16: 257}[bits]
    return [b"".join(struct.pack(order + wide, sample(x, y, c) * scale) for x in range(width) for c in range(channels))
            for y in range(height)]


class Tiff:
    """Pages one behind the other: each its parts, then its folder."""

    def __init__(self, order="<", big=False):
        self.order, self.big = order, big
        self.offset = LONG8 if big else LONG
        mark = b"II" if order == "<" else b"MM"
        self.bytes = bytearray(mark + struct.pack(order + "H", 43 if big else 42))
        if big:
            self.bytes += struct.pack(order + "HH", 8, 0)
        self.link = len(self.bytes)
        self.bytes += self.number(0)

    def number(self, value, kind=None):
        return struct.pack(self.order + SIZES[kind or self.offset], value)

    def put(self, content):
        self.bytes += bytes(len(self.bytes) % 2)
        at = len(self.bytes)
        self.bytes += content
        return at

    def page(self, width, height, channels, parts, tags, bits=8):
        """`parts`: strips or tiles, packed; `tags`: {tag: (type, values)} beside those that every page has."""
        tiled = 322 in tags
        places = [self.put(part) for part in parts]
        entries = {256: (LONG, [width]), 257: (LONG, [height]), 258: (SHORT, [bits] * channels), 259: (SHORT, [1]),
                   262: (SHORT, [2 if channels > 2 else 1]), 277: (SHORT, [channels]), 284: (SHORT, [1]),
                   324 if tiled else 273: (self.offset, places),
                   325 if tiled else 279: (LONG, [len(part) for part in parts]), **tags}
        width_of_value = 8 if self.big else 4
        table = b""
        for tag in sorted(entries):
            kind, values = entries[tag]
            content = b"".join(self.number(value, kind) for value in values)
            place = content.ljust(width_of_value, b"\0") if len(content) <= width_of_value \
                else self.number(self.put(content))
            table += self.number(tag, SHORT) + self.number(kind, SHORT) + self.number(len(values)) + place
        count = self.number(len(entries), LONG8 if self.big else SHORT)
        at = self.put(count + table + self.number(0))
        self.bytes[self.link:self.link + width_of_value] = self.number(at)
        self.link = len(self.bytes) - width_of_value


def strips(lines, per_strip, packed=False):
    joined = [b"".join(lines[y:y + per_strip]) for y in range(0, len(lines), per_strip)]
    return [zlib.compress(part) for part in joined] if packed else joined


def pages():
    """Three pages of different kinds, and a reduced copy of the first behind it."""
    file = Tiff()
    file.page(13, 40, 3, strips(rows(13, 40, 3), 16, packed=True), {259: (SHORT, [8]), 278: (LONG, [16])})
    file.page(6, 20, 3, strips(rows(6, 20, 3), 20, packed=True), {254: (LONG, [1]), 259: (SHORT, [8]), 278: (LONG, [20])})
    file.page(5, 21, 1, strips(rows(5, 21, 1, 16), 21), {278: (LONG, [21])}, bits=16)
    file.page(9, 70, 4, strips(rows(9, 70, 4), 32, packed=True),  # with alpha, and turned by a quarter
              {259: (SHORT, [8]), 274: (SHORT, [6]), 278: (LONG, [32]), 338: (SHORT, [2])})
    return file.bytes


def big_pages():
    """Two pages of a BigTIFF of the other byte order, the second upside down."""
    file = Tiff(">", big=True)
    file.page(7, 33, 1, strips(rows(7, 33, 1, 16, ">"), 8), {278: (LONG, [8])}, bits=16)
    file.page(11, 18, 3, strips(rows(11, 18, 3), 18, packed=True), {259: (SHORT, [8]), 274: (SHORT, [3]), 278: (LONG, [18])})
    return file.bytes


def tiles():
    """Grey tiles of 16 x 16, of which the last column and row are not full."""
    file = Tiff()
    lines = [line.ljust(48, b"\0") for line in rows(40, 50, 1)] + [bytes(48)] * 14
    parts = [zlib.compress(b"".join(line[x * 16:(x + 1) * 16] for line in lines[y:y + 16]))
             for y in range(0, 64, 16) for x in range(3)]
    file.page(40, 50, 1, parts, {259: (SHORT, [8]), 322: (LONG, [16]), 323: (LONG, [16])})
    return file.bytes


def deep():
    """A PNG of 16 bits with alpha."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    packed = zlib.compress(b"".join(b"\0" + line for line in rows(11, 50, 4, 16, ">")), 9)
    half = len(packed) // 2
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 11, 50, 16, 6, 0, 0, 0)) +
            chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:]) + chunk(b"IEND", b""))


def bottom_up():
    values = [sample(x, y, 0) / 128 for y in range(70) for x in range(9)]
    return b"Pf\n9 70\n-1.0\n" + struct.pack(f"<{len(values)}f", *values)


FILES = {"three_pages.tif": pages, "big_pages.tif": big_pages, "tiles.tif": tiles, "deep.png": deep,
         "bottom_up.pfm": bottom_up, "rows.ppm": lambda: b"P6\n9 35\n255\n" + b"".join(rows(9, 35, 3))}


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in FILES.items():
        (folder / name).write_bytes(bytes(make()))


if __name__ == "__main__":
    main()
