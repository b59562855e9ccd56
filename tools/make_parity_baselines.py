#!/usr/bin/env python3
"""Makes the committed numbers that parity tests compare with.

    python3 -m venv venv && venv/bin/pip install numpy scipy scikit-image
    venv/bin/python tools/make_parity_baselines.py [--part metrics]

Each part writes tests/parity/<part>.json. The pictures are integer recipes, stated here and again in the C++ test, so
that no picture file and no random generator stands between the two.
"""

import argparse
import json
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "parity"


# ---- metrics ---------------------------------------------------------------------------------------------------

def mixed(n):
    """32-bit integer hash, elementwise."""
    n = np.asarray(n, dtype=np.uint64) & 0xFFFFFFFF
    for multiplier in (0x7FEB352D, 0x846CA68B):
        n = ((n ^ (n >> np.uint64(16))) * np.uint64(multiplier)) & np.uint64(0xFFFFFFFF)
    return n ^ (n >> np.uint64(16))


def integer_picture(height, width, channels):
    """Target and restored picture as integers, nominally 0 … 255; the restored one leaves that range."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    y, x, c = y.astype(np.int64), x.astype(np.int64), c.astype(np.int64)
    waves = (3 * x + 2 * y + 29 * c) % 128 + np.abs((5 * y + x * (c + 1)) % 160 - 80)
    boxes = 60 * ((x // 9 + y // 7 + c) % 2)
    target = np.clip(waves + boxes - 20, 0, 255)
    index = (y * width + x) * channels + c
    noise = (mixed(index) % np.uint64(61)).astype(np.int64) - 30
    restored = (target * 15) // 16 + 6 + noise
    return restored, target


def pictures():
    """name -> (restored, target), float64 (H,W,C) on the scale 0 … 1."""
    result = {}
    for name, shape, clip in (("u8_rgb", (53, 67, 3), True), ("u8_grey", (41, 38, 1), True),
                              ("u8_large", (181, 178, 3), True), ("float_rgb", (53, 67, 3), False)):
        restored, target = integer_picture(*shape)
        if clip:
            restored = np.clip(restored, 0, 255) / 255.0
        else:  # values between the levels and outside [0,1]
            restored = restored / 253.0
        result[name] = (restored.astype(np.float32).astype(np.float64) if not clip else restored, target / 255.0)
    return result


def round_half_up(values):
    return np.floor(values + 0.5)


def as_u8(picture):
    return round_half_up(np.clip(picture, 0, 1) * 255.0)


def gaussian_window():
    """fspecial('gaussian', 11, 1.5)."""
    axis = np.arange(-5, 6)
    window = np.exp(-(axis[:, None] ** 2 + axis[None, :] ** 2) / (2 * 1.5 ** 2))
    return window / window.sum()


def ssim_maps(a, b, nonnegative=False):
    """SSIM and its structure term on the scale 0 … 255, as the authors' MATLAB code states them."""
    from scipy.signal import convolve2d
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    window = gaussian_window()

    def mean(values):
        return convolve2d(values, window, mode="valid")

    ma, mb = mean(a), mean(b)
    structure = (2 * (mean(a * b) - ma * mb) + c2) / (mean(a * a) - ma * ma + mean(b * b) - mb * mb + c2)
    if nonnegative:
        structure = np.maximum(structure, 0)
    return (2 * ma * mb + c1) / (ma * ma + mb * mb + c1) * structure, structure


def ssim255(a, b, nonnegative=False):
    return np.mean([ssim_maps(a[..., c], b[..., c], nonnegative)[0].mean() for c in range(a.shape[2])])


def psnr255(a, b):
    return 10 * np.log10(255.0 ** 2 / np.mean((a - b) ** 2))


def half_matlab(plane):
    """imfilter(plane, ones(2)/4, 'symmetric') at every second pixel."""
    padded = np.pad(plane, ((0, 1), (0, 1)), mode="symmetric")
    mean = (padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]) / 4
    return mean[::2, ::2]


def half_zero_pad(plane):
    """Average pooling of 2×2 with a zero row or column on both sides of an odd side."""
    h, w = plane.shape
    padded = np.pad(plane, ((h % 2, h % 2), (w % 2, w % 2)))
    rows, columns = padded.shape[0] // 2 * 2, padded.shape[1] // 2 * 2
    padded = padded[:rows, :columns]
    return padded.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))


def ms_ssim255(a, b, half, nonnegative=False):
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    values = []
    for c in range(a.shape[2]):
        x, y, product = a[..., c], b[..., c], 1.0
        for level, weight in enumerate(weights):
            similarity, structure = ssim_maps(x, y, nonnegative)
            product *= (similarity if level == 4 else structure).mean() ** weight
            x, y = half(x), half(y)
        values.append(product)
    return np.mean(values)


def studio_luma(picture255):
    """rgb2ycbcr of values 0 … 255, luma 16 … 235, not rounded; grey stays."""
    if picture255.shape[2] == 1:
        return picture255
    return (16 + picture255 @ np.array([65.481, 128.553, 24.966]) / 255.0)[..., None]


def full_luma(picture):
    return picture if picture.shape[2] == 1 else (picture @ np.array([0.299, 0.587, 0.114]))[..., None]


def metrics():
    import scipy
    import skimage
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity
    cases = []

    def add(picture, metric, preset, value, **overrides):
        cases.append({"picture": picture, "metric": metric, "preset": preset, "overrides": overrides,
                      "value": float(value)})

    for name, (restored, target) in pictures().items():
        # scikit-image itself
        add(name, "psnr", "skimage", peak_signal_noise_ratio(target, restored, data_range=1))
        add(name, "ssim", "skimage", structural_similarity(restored, target, data_range=1, channel_axis=2))
        gauss = structural_similarity(restored, target, data_range=1, channel_axis=2, gaussian_weights=True, sigma=1.5,
                                      use_sample_covariance=False)
        add(name, "ssim", "skimage", gauss, window="gaussian11", sample_covariance=False)
        if name.startswith("u8"):  # scikit-image on the bytes themselves
            a, b = as_u8(restored).astype(np.uint8), as_u8(target).astype(np.uint8)
            add(name, "psnr", "skimage", peak_signal_noise_ratio(b, a))
            add(name, "ssim", "skimage", structural_similarity(a, b, channel_axis=2))
        clipped = np.clip(restored, 0, 1)
        add(name, "psnr", "chiaro", peak_signal_noise_ratio(target, clipped, data_range=1))
        # MATLAB: uint8 pictures, uint8 luma
        ya = round_half_up(studio_luma(as_u8(restored)))
        yb = round_half_up(studio_luma(as_u8(target)))
        add(name, "psnr", "matlab", psnr255(ya, yb))
        add(name, "ssim", "matlab", ssim255(ya, yb))
        add(name, "psnr", "matlab", psnr255(ya[4:-4, 4:-4], yb[4:-4, 4:-4]), border_px=4)
        add(name, "ssim", "matlab", ssim255(ya[4:-4, 4:-4], yb[4:-4, 4:-4]), border_px=4)
        # BasicSR: bytes as float64, RGB; or luma that is not rounded
        a, b = as_u8(restored), as_u8(target)
        add(name, "psnr", "basicsr", psnr255(a, b))
        add(name, "ssim", "basicsr", ssim255(a, b))
        add(name, "psnr", "basicsr", psnr255(studio_luma(a), studio_luma(b)), channel="y")
        add(name, "ssim", "basicsr", ssim255(studio_luma(a), studio_luma(b)), channel="y")
        # IQA-PyTorch: PSNR of RGB with its epsilon; SSIM of rounded full-range luma without negative structure
        add(name, "psnr", "pyiqa", 10 * np.log10(1 / (np.mean((restored - target) ** 2) + 1e-8)))
        if name.startswith("u8"):
            fa, fb = np.rint(full_luma(restored) * 255), np.rint(full_luma(target) * 255)
            add(name, "ssim", "pyiqa", ssim255(fa, fb, nonnegative=True))
        # AirNet's crop: centre, sides multiples of 16
        h, w = target.shape[:2]
        top, left = (h % 16) // 2, (w % 16) // 2
        box = np.s_[top:top + h - h % 16, left:left + w - w % 16]
        add(name, "psnr", "airnet", peak_signal_noise_ratio(target[box], clipped[box], data_range=1))
    restored, target = pictures()["u8_large"]
    add("u8_large", "ms_ssim", "basicsr", ms_ssim255(as_u8(restored), as_u8(target), half_matlab))
    ya, yb = round_half_up(studio_luma(as_u8(restored))), round_half_up(studio_luma(as_u8(target)))
    add("u8_large", "ms_ssim", "matlab", ms_ssim255(ya, yb, half_matlab))
    fa, fb = np.rint(full_luma(restored) * 255), np.rint(full_luma(target) * 255)
    add("u8_large", "ms_ssim", "pyiqa", ms_ssim255(fa, fb, half_zero_pad, nonnegative=True))
    return {"made_with": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-image": skimage.__version__},
            "cases": cases}


PARTS = {"metrics": metrics}


def main():
    parser = argparse.ArgumentParser(description="Makes the numbers of the parity tests.")
    parser.add_argument("--part", choices=sorted(PARTS), action="append", help="only this part (may be repeated)")
    for part in parser.parse_args().part or sorted(PARTS):
        path = FOLDER / f"{part}.json"
        path.write_text(json.dumps(PARTS[part](), indent=1, sort_keys=True) + "\n")
        print(path)


if __name__ == "__main__":
    main()
