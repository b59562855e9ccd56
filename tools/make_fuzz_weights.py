#!/usr/bin/env python3
"""Makes the small weight files of tests/fuzz/corpus/weights: formats of other programs, numbers of no meaning.

    python3 tools/make_fuzz_weights.py tests/fuzz/corpus/weights

The files are the same every time. An ncnn network is its text, a zero byte, its weights (tests/fuzz/weights.cpp).
"""
import collections
import io
import pathlib
import pickle
import struct
import sys
import types
import zipfile

FEATURES = 36  # of BRISQUE


def npy(shape, values, columns=False):
    """One array as NumPy's format 1 has it."""
    header = f"{{'descr': '<f8', 'fortran_order': {columns}, 'shape': {shape}, }}"
    header += " " * (117 - len(header)) + "\n"
    content = header.encode() + struct.pack(f"<{len(values)}d", *values)
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + content


def npz(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name + ".npy"), content)
    return file.getvalue()


class Storage:
    def __init__(self, key, values):
        self.key, self.values = key, values


class Tensor:
    """Pickled as PyTorch pickles one: a call that rebuilds it from a storage."""

    def __init__(self, key, shape):
        count, strides = 1, []
        for side in reversed(shape):
            strides.insert(0, count)
            count *= side
        self.storage = Storage(key, [0.25 * i for i in range(count)])
        self.shape, self.strides = tuple(shape), tuple(strides)

    def __reduce__(self):
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (self.storage, 0, self.shape, self.strides, False, collections.OrderedDict())


def pretend_torch():
    """What a pickle names must exist where it is made."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})

    def _rebuild_tensor_v2(*_):
        pass

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    torch._utils = utils
    sys.modules.update({"torch": torch, "torch._utils": utils})


class StatePickler(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, Storage):
            return "storage", sys.modules["torch"].FloatStorage, value.key, "cpu", len(value.values), None
        return None


def legacy_torch(tensors):
    """A state dictionary as PyTorch wrote it before version 1.6: five pickles, then the storages."""
    file = io.BytesIO()
    sizes = {"short": 2, "int": 4, "long": 4}
    state = collections.OrderedDict(tensors)
    for value in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": sizes}):
        pickle.dump(value, file, protocol=2)
    StatePickler(file, protocol=2).dump(state)
    storages = {tensor.storage.key: tensor.storage.values for tensor in state.values()}
    pickle.dump(sorted(storages), file, protocol=2)
    for key in sorted(storages):
        file.write(struct.pack(f"<q{len(storages[key])}f", len(storages[key]), *storages[key]))
    return file.getvalue()


def ncnn():
    """Every kind of layer that is read; one convolution in float32, one in float16 with an odd number of weights."""
    text = ("7767517\n7 8\n"
            "Input            in0     0 1 in0\n"
            "Split            split   1 2 in0 a b\n"
            "Convolution      first   1 1 a c 0=2 1=3 3=1 4=1 5=1 6=18 9=1\n"
            "Convolution      second  1 1 b d 0=1 1=3 4=1 5=1 6=9 11=3 14=1\n"
            "Concat           both    2 1 c d e 0=0\n"
            "Pooling          pool    1 1 e f 0=0 1=3 2=2 3=0 5=0\n"
            "Dropout          drop    1 1 f out\n")
    weights = struct.pack("<I18f2f", 0, *(0.1 * i for i in range(20)))
    weights += struct.pack("<I9e2xf", 0x01306B47, *(0.5 - 0.125 * i for i in range(9)), 0.75)
    return text.encode() + b"\0" + weights


def svm_range():
    return ("x\n-1 1\n" + "".join(f"{i} {0.01 * i:g} {1 + 0.1 * i:g}\n" for i in range(1, FEATURES + 1))).encode()


def svm_model():
    head = "svm_type epsilon_svr\nkernel_type rbf\ngamma 0.05\nnr_class 2\ntotal_sv 3\nrho -153.5\nSV\n"
    every = " ".join(f"{i}:{-1 + 0.05 * i:g}" for i in range(1, FEATURES + 1))
    return f"{head}1024 {every} \n-7.5e-3 1:0.5 36:-1 \n+2 \n".encode()


def main():
    pretend_torch()
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"mu_pris_param": npy("(1, 3)", [0.5, 1.0, -2.0]),
              "cov_pris_param": npy("(3, 2)", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], columns=True),
              "scalar": npy("()", [7.0])}
    tensors = {"lin0.model.1.weight": Tensor("94", (1, 4, 1, 1)), "lin1.model.1.weight": Tensor("95", (2, 3))}
    for name, content in (("arrays.npz", npz(arrays)), ("array.npy", arrays["cov_pris_param"]),
                          ("legacy.pth", legacy_torch(tensors)), ("layers.ncnn", ncnn()),
                          ("svm.range", svm_range()), ("svm.model", svm_model())):
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
