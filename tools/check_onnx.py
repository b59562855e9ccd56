#!/usr/bin/env python3
"""Runs bundles in ONNX Runtime and compares with what libtorch gave.

usage: check_onnx.py BUNDLE_OR_FOLDER...     exit status 0: all equal; 7: not; 77: onnxruntime is missing

For each bundle: restore.onnx, and condition.onnx where there is one, or else encode.onnx, pass ONNX's own checker, have
the tensors, axes and operator set that docs/bundle_format.md promises (restore.onnx its metadata too), and give the stored outputs for the
inputs of selftest.safetensors, and of NAME.safetensors beside NAME.chiaro where there is one, within 1e-4. The inputs
of each graph have at least three different sizes, since one size would not show that the axes are free.
"""

import json
import pathlib
import sys
import zipfile

TOLERANCE = 1e-4
FEWEST_SIZES = 3
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


def sides(port):
    return [dim.dim_param or dim.dim_value for dim in port.type.tensor_type.shape.dim]


def form_faults(graph_bytes, inputs, outputs):
    """What is wrong with a graph apart from its numbers; `inputs`: names and sides, None: any."""
    model = onnx.load_from_string(graph_bytes)
    onnx.checker.check_model(model, full_check=True)
    if [(entry.domain, entry.version) for entry in model.opset_import] != [("", OPSET)]:
        yield f"operator sets are {model.opset_import}, not {OPSET} of ONNX alone"
    for ports, promised in ((model.graph.input, inputs), (model.graph.output[:len(outputs)], outputs)):
        if [port.name for port in ports] != list(promised):
            yield f"ports are {[port.name for port in ports]}, not {list(promised)}"
            continue
        for port in ports:
            if promised[port.name] and sides(port) != promised[port.name]:
                yield f"{port.name} has the shape {sides(port)}, not {promised[port.name]}"
            if port.name in ("input", "output") and port.type.denotation != "IMAGE":
                yield f"{port.name} is not denoted as IMAGE"


def metadata_faults(graph_bytes):
    metadata = {entry.key: entry.value for entry in onnx.load_from_string(graph_bytes).metadata_props}
    for key, value in METADATA.items():
        if metadata.get(key) != value:
            yield f"metadata {key} is {metadata.get(key)}, not {value}"
    for key in ("model_author", "model_license", "chiaro.scale", "chiaro.alignment_px", "chiaro.receptive_field_px",
                "chiaro.labels", "chiaro.bundle_version"):
        if key not in metadata:
            yield f"metadata {key} is missing"


def differences(graph_bytes, vectors, prefix, output):
    """(shapes of its inputs, largest difference) for each case of the tensors `prefix`N.NAME."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph_bytes, options, providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_inputs()]
    index = 0
    while f"{prefix}{index}.{names[0]}" in vectors:
        given = {name: vectors[f"{prefix}{index}.{name}"] for name in names}
        expected = vectors[f"{prefix}{index}.{'output' if output == 'code' else output}"]
        got = session.run([output], given)[0]
        same = got.shape == expected.shape and numpy.isfinite(got).all()
        shapes = tuple(given[name].shape for name in names)
        yield shapes, float(numpy.abs(got - expected).max()) if same else float("inf")
        index += 1


def check(path):
    """Prints a line for each case; returns whether all is well."""
    with zipfile.ZipFile(path) as bundle:
        members = {name: bundle.read(name) for name in bundle.namelist() if name.endswith((".onnx", ".safetensors"))}
    picture = {"input": ["batch_size", 3, "height", "width"]}
    restores = "restore.onnx" in members
    graphs = [("restore.onnx", picture, "", ["output"]) if restores else ("encode.onnx", picture, "", ["code"])]
    if "condition.onnx" in members:
        picture["condition"] = None
        graphs.append(("condition.onnx", {"views": None, "whole": None}, "c", ["condition", "novelty"]))
    sets = [("self-test", members["selftest.safetensors"])]
    if path.with_suffix(".safetensors").exists():
        sets.append(("more", path.with_suffix(".safetensors").read_bytes()))

    faults = list(metadata_faults(members["restore.onnx"])) if restores else []
    largest = []
    for graph, inputs, prefix, outputs in graphs:
        faults += [f"{graph}: {fault}" for fault in form_faults(members[graph], inputs, dict.fromkeys(outputs))]
        sizes = set()
        for name, content in sets:
            for shapes, difference in differences(members[graph], safetensors(content), prefix, outputs[0]):
                size = ", ".join("×".join(map(str, shape)) for shape in shapes)
                print(f"{path.name}: {graph}, {name} {size}: largest difference {difference:.1e}")
                largest.append(difference)
                sizes.add(shapes)
        if len(sizes) < FEWEST_SIZES:
            faults.append(f"{graph}: test vectors of {len(sizes)} different sizes; expected at least {FEWEST_SIZES}")
    for fault in faults:
        print(f"{path.name}: {fault}")
    return not faults and all(difference < TOLERANCE for difference in largest)


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
