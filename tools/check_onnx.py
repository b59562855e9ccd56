#!/usr/bin/env python3
"""Runs bundles in ONNX Runtime and compares with what libtorch gave.

usage: check_onnx.py BUNDLE_OR_FOLDER...     exit status 0: all equal; 7: not; 77: onnxruntime is missing

For each bundle: restore.onnx passes ONNX's own checker, has the tensors, axes, operator set and metadata that
docs/bundle_format.md promises, and gives the stored outputs for the inputs of selftest.safetensors, and of
NAME.safetensors beside NAME.chiaro where there is one, within 1e-4.
"""

import json
import pathlib
import sys
import zipfile

TOLERANCE = 1e-4
OPSET = 17
METADATA = {
    "Image.BitmapPixelFormat": "Rgb8",
    "Image.ColorSpaceGamma": "SRGB",
    "Image.NominalPixelRange": "Normalized_0_1",
}

try:
    import numpy
    import onnx
    import onnxruntime
except ImportError as missing:
    print(f"check_onnx: skipped, {missing}")
    sys.exit(77)


def safetensors(content):
    """Float32 tensors by name."""
    length = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8:8 + length]), content[8 + length:]
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            tensors[name] = numpy.frombuffer(data[begin:end], numpy.float32).reshape(entry["shape"])
    return tensors


def form_faults(graph_bytes):
    """What is wrong with the graph apart from its numbers."""
    model = onnx.load_from_string(graph_bytes)
    onnx.checker.check_model(model, full_check=True)
    if [(entry.domain, entry.version) for entry in model.opset_import] != [("", OPSET)]:
        yield f"operator sets are {model.opset_import}, not {OPSET} of ONNX alone"
    for ports, name, sides in ((model.graph.input, "input", ["batch_size", 3, "height", "width"]),
                               (model.graph.output, "output", None)):
        if [port.name for port in ports] != [name]:
            yield f"ports are {[port.name for port in ports]}, not {name}"
            continue
        if ports[0].type.denotation != "IMAGE":
            yield f"{name} is not denoted as IMAGE"
        shape = [dim.dim_param or dim.dim_value for dim in ports[0].type.tensor_type.shape.dim]
        if sides and shape != sides:
            yield f"{name} has the shape {shape}, not {sides}"
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    for key, value in METADATA.items():
        if metadata.get(key) != value:
            yield f"metadata {key} is {metadata.get(key)}, not {value}"
    for key in ("model_author", "model_license", "chiaro.scale", "chiaro.alignment_px", "chiaro.receptive_field_px",
                "chiaro.labels", "chiaro.bundle_version"):
        if key not in metadata:
            yield f"metadata {key} is missing"


def differences(graph_bytes, vectors):
    """(shape of the input, largest difference) for each case."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph_bytes, options, providers=["CPUExecutionProvider"])
    for index in range(len(vectors) // 2):
        given, expected = vectors[f"{index}.input"], vectors[f"{index}.output"]
        got = session.run(["output"], {"input": given})[0]
        same = got.shape == expected.shape and numpy.isfinite(got).all()
        yield given.shape, float(numpy.abs(got - expected).max()) if same else float("inf")


def check(path):
    """Prints a line for each case; returns whether all is well."""
    with zipfile.ZipFile(path) as bundle:
        graph, selftest = bundle.read("restore.onnx"), bundle.read("selftest.safetensors")
    good = True
    for fault in form_faults(graph):
        print(f"{path.name}: {fault}")
        good = False
    sets = [("self-test", selftest)]
    if path.with_suffix(".safetensors").exists():
        sets.append(("more", path.with_suffix(".safetensors").read_bytes()))
    for name, content in sets:
        for shape, difference in differences(graph, safetensors(content)):
            print(f"{path.name}: {name} {'×'.join(map(str, shape))}: largest difference {difference:.1e}")
            good = good and difference < TOLERANCE
    return good


def main(arguments):
    bundles = []
    for argument in map(pathlib.Path, arguments):
        bundles += sorted(argument.glob("*.chiaro")) if argument.is_dir() else [argument]
    if not bundles:
        sys.exit("check_onnx: no bundle given; expected files or folders with *.chiaro")
    results = [check(path) for path in bundles]
    print(f"check_onnx: {sum(results)} of {len(results)} bundles equal libtorch (ONNX Runtime {onnxruntime.__version__})")
    sys.exit(0 if all(results) else 7)


if __name__ == "__main__":
    main(sys.argv[1:])
