#!/usr/bin/env python3
"""Writes tests/losses/baselines.h: the values of the losses in float64, without PyTorch.

Needs numpy and scikit-image (for SSIM). The other losses are written from their definitions, and another way than in
chiaro/losses where there is one: the spectrum by matrices of exponentials, the Laplacian by shifted sums of a padded
picture. The pictures are formulas, so that tests/losses can make them again.

    python3 tools/make_loss_baselines.py > tests/losses/baselines.h
"""
import numpy as np
import skimage
from skimage.metrics import structural_similarity


def pictures(height, width):
    n, c, i, j = np.meshgrid(*[np.arange(k, dtype=np.float64) for k in (2, 3, height, width)], indexing="ij")
    output = 0.5 + 0.4 * np.sin(0.7 * i + 1.3 * j + 2.0 * c + 3.0 * n)
    target = 0.5 + 0.3 * np.cos(0.05 * i * j + 0.9 * c) + 0.1 * np.sin(2.1 * j - n)
    return output, target


def l1(x, y):
    return np.mean(np.abs(x - y))


def mse(x, y):
    return np.mean((x - y) ** 2)


def charbonnier(x, y):
    return np.mean(np.hypot(x - y, 1e-3))


def psnr(x, y):
    return np.mean([10.0 * np.log10(mse(a, b) + 1e-8) for a, b in zip(x, y)])


def ssim(x, y):
    """The mean over the places where the window of 11 fits."""
    places = []
    for a, b in zip(x, y):
        _, full = structural_similarity(a, b, channel_axis=0, gaussian_weights=True, sigma=1.5, truncate=3.5,
                                        use_sample_covariance=False, data_range=1.0, full=True)
        places.append(full[:, 5:-5, 5:-5])
    return 1 - np.mean(places)


def frequency(x, y):
    def dft(size):
        k = np.arange(size)
        return np.exp(-2j * np.pi / size * np.outer(k, k)) / np.sqrt(size)

    height, width = x.shape[2:]
    a, b = ((dft(height) @ p @ dft(width))[..., : width // 2 + 1] for p in (x, y))
    return (l1(a.real, b.real) + l1(a.imag, b.imag)) / 2


def edge(x, y):
    def laplacian(p):
        rolled = sum(np.roll(p, shift, axis) for shift in (-1, 1) for axis in (2, 3))
        return (rolled - 4 * p)[:, :, 1:-1, 1:-1]

    return charbonnier(laplacian(x), laplacian(y))


LOSSES = {"charbonnier": charbonnier, "edge": edge, "frequency": frequency, "l1": l1, "mse": mse, "psnr": psnr,
          "ssim": ssim}

print(f"""// Made by tools/make_loss_baselines.py with numpy {np.__version__}, scikit-image {skimage.__version__}; do not edit.
#pragma once

#include <cstdint>

namespace chiaro::losses {{

struct Baseline {{
  const char* name;
  std::int64_t height;
  std::int64_t width;
  double value;
}};

// clang-format off
constexpr Baseline kBaselines[] = {{""")
for height, width in ((16, 20), (13, 15)):
    for name, loss in LOSSES.items():
        print(f'    {{"{name}", {height}, {width}, {float(loss(*pictures(height, width)))!r}}},')
print("""};
// clang-format on

}  // namespace chiaro::losses""")
