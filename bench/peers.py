#!/usr/bin/env python3
"""Times chiaro's engine and ONNX Runtime on the same graph, in turns within one run.

usage: peers.py PROGRAM BUNDLE [--side 512] [--threads N] [--rounds 8] [--repetitions 5]

PROGRAM is the built chiaro; what it gives is its bare engine (`chiaro bench --json`) in f32 and, where the processor
has it, in bf16. ONNX Runtime runs restore.onnx of the bundle in f32. Needs onnxruntime:
python3 -m venv x && x/bin/pip install onnxruntime, then x/bin/python bench/peers.py …
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import zipfile

try:
    import numpy
    import onnxruntime
except ImportError as missing:
    sys.exit(f"peers: {missing}; python3 -m venv x && x/bin/pip install onnxruntime")

AIM = 1.0


def engine_seconds(arguments, precision):
    """Median seconds of the bare engine in a process of its own."""
    words = [arguments.program, "bench", "--json", "--bundle", arguments.bundle, "--sizes", str(arguments.side),
             "--repetitions", str(arguments.repetitions), "--precision", precision,
             "--threads", str(arguments.threads)]
    lines = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    used = next(event["precision"] for event in events if "precision" in event)
    return next(event["bare_seconds"] for event in events if "bare_seconds" in event), used


def runtime_seconds(session, arguments, picture):
    """Median seconds of ONNX Runtime, after one run that is not counted. What a network is told beside the picture
    does not change what it computes: zeros."""
    inputs = {entry.name: picture if len(entry.shape) == 4 else numpy.zeros((1, entry.shape[-1]), numpy.float32)
              for entry in session.get_inputs()}
    times = []
    for i in range(arguments.repetitions + 1):
        started = time.perf_counter()
        session.run(None, inputs)
        if i > 0:
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description="chiaro's engine against ONNX Runtime on the same graph")
    parser.add_argument("program")
    parser.add_argument("bundle")
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    with zipfile.ZipFile(arguments.bundle) as bundle:
        session = onnxruntime.InferenceSession(bundle.read("restore.onnx"), options, ["CPUExecutionProvider"])
    picture = numpy.random.default_rng(1).random((1, 3, arguments.side, arguments.side), dtype=numpy.float32)

    precisions = ["f32", "bf16"]
    engine = {precision: [] for precision in precisions}
    runtime = []
    for _ in range(arguments.rounds):
        runtime.append(runtime_seconds(session, arguments, picture))
        for precision in list(precisions):
            seconds, used = engine_seconds(arguments, precision)
            if used == precision:
                engine[precision].append(seconds)
            else:
                precisions.remove(precision)  # the processor lacks it
    print(f"ONNX Runtime {onnxruntime.__version__} f32, {arguments.threads} threads, {arguments.side}x{arguments.side}: "
          f"{1e3 * statistics.median(runtime):.1f} ms")
    for precision in precisions:
        ratio = statistics.median(own / other for own, other in zip(engine[precision], runtime))
        of_minima = min(engine[precision]) / min(runtime)
        print(f"engine/against_onnxruntime/{precision}  {ratio:.3f} x  <= {AIM:g}  {'held' if ratio <= AIM else 'MISSED'}"
              f"  {1e3 * statistics.median(engine[precision]):.1f} ms, of minima {of_minima:.3f}")


if __name__ == "__main__":
    main()
