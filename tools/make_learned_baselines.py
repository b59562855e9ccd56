#!/usr/bin/env python3
"""Makes tests/parity/learned_metrics.json: LPIPS, NIQE and BRISQUE by code that is not ours.

    python3 -m venv venv && venv/bin/pip install "numpy<2" scipy torch torchvision libsvm-official requests tqdm timm
    venv/bin/pip install --no-deps lpips pyiqa
    venv/bin/python tools/make_learned_baselines.py METRIC_FILES [PAIRS]

METRIC_FILES is the folder that docs/metrics.md describes. LPIPS is the authors' own package over torchvision's SqueezeNet with the
weights of that folder; NIQE and the features of BRISQUE are those of IQA-PyTorch, which is calibrated against the authors' MATLAB
code; the regression of BRISQUE is LIBSVM itself, as in the authors' code. Pictures are the integer recipes of
make_parity_baselines.py. The NIQE model is a formula, stated here and again in the C++ test, so that it needs no file. With PAIRS,
a folder of NAME_lq.png and NAME_gt.png, the scores of those are printed, too.
"""

import json
import pathlib
import struct
import sys
import types

import numpy as np
import torch

import make_parity_baselines as parity

FILE = pathlib.Path(__file__).resolve().parent.parent / "tests" / "parity" / "learned_metrics.json"
FEATURES = 36


def load_pyiqa():
    """The two files that are needed, without the package's own start, which loads every network it knows."""
    import importlib.util
    root = pathlib.Path(importlib.util.find_spec("pyiqa").origin).parent
    for name, folder in (("pyiqa", root), ("pyiqa.archs", root / "archs"), ("pyiqa.utils", root / "utils")):
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    from pyiqa.archs import brisque_arch, niqe_arch
    from pyiqa.matlab_utils import imresize
    return niqe_arch.niqe, brisque_arch.natural_scene_statistics, imresize


def niqe_model():
    i = np.arange(FEATURES)
    mean = 0.3 + 0.05 * (i % 7)
    covariance = 0.05 / (1 + np.abs(i[:, None] - i[None, :])) + 0.02 * np.eye(FEATURES)
    return torch.from_numpy(mean)[None], torch.from_numpy(covariance)[None]


def as_tensor(plane):
    return torch.from_numpy(np.ascontiguousarray(plane, dtype=np.float64))[None, None]


def studio(picture255):
    return parity.round_half_up(parity.studio_luma(picture255))[..., 0]


def full(picture255):
    """Summed on the scale 0 … 1, as chiaro does: 0.299 R + … has exact ties, which fall by the last bit of the sum."""
    r, g, b = (picture255[..., c] / 255 for c in ((0, 1, 2) if picture255.shape[2] == 3 else (0, 0, 0)))
    luma = r if picture255.shape[2] == 1 else 0.299 * r + 0.587 * g + 0.114 * b
    return parity.round_half_up(luma * 255)


def squeezenet(folder):
    """torchvision's SqueezeNet 1.1 with the weights of the ncnn file."""
    import torchvision
    network = torchvision.models.squeezenet1_1(weights=None)
    raw = (folder / "squeezenet_v1.1.ncnn.bin").read_bytes()
    lines = (folder / "squeezenet_v1.1.ncnn.param").read_text().splitlines()
    sizes = [line.split() for line in lines if line.startswith("Convolution")]
    at, weights = 0, []
    for words in sizes:
        values = dict(word.split("=") for word in words if "=" in word)
        out, side, count = int(values["0"]), int(values["1"]), int(values["6"])
        assert struct.unpack_from("<I", raw, at)[0] == 0x01306B47
        kernel = np.frombuffer(raw, "<f2", count, at + 4).astype(np.float32).reshape(out, -1, side, side)
        at += 4 + (2 * count + 3) // 4 * 4
        weights.append((kernel, np.frombuffer(raw, "<f4", out, at)))
        at += 4 * out
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    # The file has the 1x1 expansion of a fire module in front of the 3x3 one, as torchvision does.
    for convolution, (kernel, bias) in zip(convolutions, weights):
        assert tuple(convolution.weight.shape) == kernel.shape
        convolution.weight.data = torch.from_numpy(kernel.copy())
        convolution.bias.data = torch.from_numpy(bias.copy())
    return network


def make_lpips(folder):
    import lpips
    distance = lpips.LPIPS(net="squeeze", pretrained=True, pnet_rand=True, verbose=False).eval()
    features = squeezenet(folder).features
    place = 0
    for index in range(1, 8):
        slice_ = getattr(distance.net, f"slice{index}")
        for name in list(slice_._modules):
            assert int(name) == place
            slice_._modules[name] = features[place]
            place += 1

    def score(restored, target):
        tensors = [torch.from_numpy(p.astype(np.float32)).permute(2, 0, 1)[None] * 2 - 1 for p in (restored, target)]
        with torch.no_grad():
            return float(distance(*tensors))
    return score


class Brisque:
    def __init__(self, folder, statistics, imresize):
        from libsvm import svmutil
        self.predict = svmutil.svm_predict
        self.model = svmutil.svm_load_model(str(folder / "allmodel"))
        rows = [line.split() for line in (folder / "allrange").read_text().splitlines()[2:] if line.strip()]
        self.low = np.array([float(row[1]) for row in rows])
        self.high = np.array([float(row[2]) for row in rows])
        self.statistics, self.imresize = statistics, imresize

    def features(self, luma255):
        plane = as_tensor(luma255)
        first = self.statistics(plane)
        second = self.statistics(self.imresize(plane, scale=0.5, antialiasing=True))
        return torch.cat([first, second], dim=-1).reshape(-1).numpy()

    def score(self, luma255):
        scaled = 2 * (self.features(luma255) - self.low) / (self.high - self.low) - 1
        row = {i + 1: float(value) for i, value in enumerate(scaled)}
        return self.predict([0], [row], self.model, "-q")[2][0][0]


def pictures():
    """name -> (restored, target) as integers from 0 to 255."""
    result = {}
    for name, shape in (("scene_rgb", (230, 325, 3)), ("scene_grey", (201, 211, 1))):
        restored, target = parity.integer_picture(*shape)
        result[name] = (np.clip(restored, 0, 255).astype(np.float64), target.astype(np.float64))
    return result


def print_pairs(folder, lpips, niqe, brisque, files):
    from PIL import Image
    arrays = np.load(files / "niqe_pris_params.npz")
    model = (torch.from_numpy(arrays["mu_pris_param"]), torch.from_numpy(arrays["cov_pris_param"].copy())[None])
    for path in sorted(folder.glob("*_lq.png")):
        a, b = (np.asarray(Image.open(p).convert("RGB")).astype(np.float64)
                for p in (path, path.with_name(path.name.replace("_lq", "_gt"))))
        print(path.stem, *(f"{value:.6f}" for value in (
            lpips(a / 255, b / 255), float(niqe(as_tensor(studio(a)), *model)), float(niqe(as_tensor(full(a)), *model)),
            brisque.score(full(a)))))


def main():
    files = pathlib.Path(sys.argv[1])
    niqe, statistics, imresize = load_pyiqa()
    lpips = make_lpips(files)
    brisque = Brisque(files, statistics, imresize)
    cases = []
    for name, (restored, target) in pictures().items():
        colours = [np.broadcast_to(p / 255, (*p.shape[:2], 3)) for p in (restored, target)]
        cases.append({"picture": name, "lpips_squeeze": lpips(*colours),
                      "niqe_studio": float(niqe(as_tensor(studio(restored)), *niqe_model())),
                      "niqe_full": float(niqe(as_tensor(full(restored)), *niqe_model())),
                      "brisque_features": [float(value) for value in brisque.features(full(restored))],
                      "brisque": brisque.score(full(restored))})
    made_with = {"torch": torch.__version__}
    from importlib.metadata import version
    for package in ("lpips", "pyiqa", "libsvm-official", "torchvision"):
        made_with[package] = version(package)
    FILE.write_text(json.dumps({"made_with": made_with, "cases": cases}, indent=1, sort_keys=True) + "\n")
    print(FILE)
    if len(sys.argv) > 2:
        print_pairs(pathlib.Path(sys.argv[2]), lpips, niqe, brisque, files)


if __name__ == "__main__":
    main()
