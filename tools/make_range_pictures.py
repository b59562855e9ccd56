#!/usr/bin/env python3
"""Writes the OpenEXR and Radiance pictures of tests/image/data.

usage: make_range_pictures.py FOLDER      needs the packages OpenEXR (3.5 was used) and numpy

Made by the reference library in another version than the one chiaro links, and, for Radiance, by the description of
the format (Ward, "Real Pixels", Graphics Gems II, 1991): four bytes a pixel, without run lengths. All values are exact in
16-bit floats, so that tests know them by formula (value, alpha below).
"""

import pathlib
import sys

import numpy
import OpenEXR

HEIGHT, WIDTH = 10, 24


def value(channel, y, x):
    """From 2^-12 to 15360; the first column is negative."""
    size = (1 + y / 8) * 2.0 ** (x - 12 + channel)
    return -size if x == 0 else size


def alpha(y):
    return (y % 5) / 4


def plane(channel, dtype):
    return numpy.array([[value(channel, y, x) for x in range(WIDTH)] for y in range(HEIGHT)], dtype=dtype)


def opacity(dtype):
    return numpy.array([[alpha(y)] * WIDTH for y in range(HEIGHT)], dtype=dtype)


def write(path, header, channels):
    header.setdefault("type", OpenEXR.scanlineimage)
    with OpenEXR.File(header, channels) as picture:
        picture.write(str(path))


def colours(dtype):
    return {name: plane(i, dtype) for i, name in enumerate("RGB")}


def openexr(folder):
    half, single = numpy.float16, numpy.float32
    told = {"owner": "a photographer", "comments": "kept, word by word", "xDensity": 300.0,
            "isoSpeed": 200.0, "compression": OpenEXR.ZIP_COMPRESSION}
    write(folder / "half_rgba.exr", told, {**colours(half), "A": opacity(half)})
    write(folder / "float_piz.exr", {"compression": OpenEXR.PIZ_COMPRESSION}, colours(single))
    write(folder / "grey.exr", {"compression": OpenEXR.NO_COMPRESSION}, {"Y": plane(0, single)})
    write(folder / "tiled.exr", {"type": OpenEXR.tiledimage, "compression": OpenEXR.ZIPS_COMPRESSION,
                                 "tiles": OpenEXR.TileDescription()}, colours(half))
    write(folder / "depth.exr", {}, {**colours(half), "Z": plane(0, single)})
    write(folder / "chroma.exr", {}, {"Y": plane(0, half), "RY": plane(1, half), "BY": plane(2, half)})
    p3 = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329)
    write(folder / "p3.exr", {"chromaticities": p3}, colours(single))
    parts = [OpenEXR.Part({"name": name, "type": OpenEXR.scanlineimage}, colours(half)) for name in ("one", "two")]
    with OpenEXR.File(parts) as picture:
        picture.write(str(folder / "parts.exr"))


def rgbe(y, x):
    """Mantissas between 128 and 255 for red, less for the others; the exponent by column."""
    return bytes([128 + 12 * y, 100 + y, y, 128 - 8 + x])


def radiance(folder):
    told = "# made by hand\nEXPOSURE=0.5\nVIEW= -vtv -vp 1 2 3\n"
    for name, resolution in (("plain.hdr", f"-Y {HEIGHT} +X {WIDTH}"), ("turned.hdr", f"+X {HEIGHT} +Y {WIDTH}")):
        head = f"#?RADIANCE\n{told}FORMAT=32-bit_rle_rgbe\n\n{resolution}\n".encode()
        pixels = b"".join(rgbe(y, x) for y in range(HEIGHT) for x in range(WIDTH))
        (folder / name).write_bytes(head + pixels)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1])
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    openexr(folder)
    radiance(folder)


main()
