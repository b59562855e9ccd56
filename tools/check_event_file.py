#!/usr/bin/env python3
"""Reads TensorBoard event files with TensorBoard's own reader and prints what it finds.

usage: check_event_file.py FOLDER     one line per series; exit status 1 if a file is damaged or there is none
       check_event_file.py --vectors  the records that tests/train/event_file_test.cpp compares with, as hexadecimal

Needs the package `tensorboard`.
"""

import pathlib
import sys

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def read(folder):
    """Counts records file by file (their checksums are verified), then lists the series of the whole folder."""
    files = sorted(folder.glob("events.out.tfevents.*"))
    for path in files:
        events = [event_pb2.Event.FromString(record) for record in RawEventFileLoader(str(path)).Load()]
        if not events or events[0].file_version != "brain.Event:2":
            sys.exit(f"{path}: does not start with brain.Event:2")
        # The reader stops in silence at the first damaged record, so the lengths must add up to the file's.
        read_bytes = sum(len(record) + 16 for record in RawEventFileLoader(str(path)).Load())
        if read_bytes != path.stat().st_size:
            sys.exit(f"{path}: damaged after {read_bytes} of {path.stat().st_size} bytes")
        print(f"{path.name}: {len(events)} events")
    series = event_accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    series.Reload()
    tags = series.Tags()
    # A series is empty when a resumed run withdrew all of it.
    for tag in filter(series.Scalars, tags["scalars"]):
        values = series.Scalars(tag)
        print(f"scalar {tag}: {len(values)} values, {values[0].value:g} at {values[0].step} … "
              f"{values[-1].value:g} at {values[-1].step}")
    for tag in filter(series.Images, tags["images"]):
        pictures = series.Images(tag)
        print(f"image {tag}: {len(pictures)} pictures, last {pictures[-1].width}x{pictures[-1].height}, "
              f"{len(pictures[-1].encoded_image_string)} bytes at {pictures[-1].step}")
    for tag in filter(series.Tensors, tags["tensors"]):
        texts = series.Tensors(tag)
        print(f"text {tag}: {len(texts)} texts, last {texts[-1].tensor_proto.string_val[0].decode()!r}")
    if not files or not any(tags[kind] for kind in ("scalars", "images", "tensors")):
        sys.exit(f"{folder}: no event files with values")


class Bytes:
    """A stream for RecordWriter."""

    def __init__(self):
        self.value = b""

    def write(self, data):
        self.value += data


def vectors():
    text = summary_pb2.Summary.Value(tag="text/card", metadata=summary_pb2.SummaryMetadata(
        plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text")))
    text.tensor.CopyFrom(tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING, string_val=[b"**bold**"],
        tensor_shape=tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)])))
    image = summary_pb2.Summary.Value(tag="samples/a", image=summary_pb2.Summary.Image(
        height=2, width=300, colorspace=3, encoded_image_string=b"\x89PNG"))
    scalar = summary_pb2.Summary.Value(tag="losses/l1", simple_value=0.1)
    event = event_pb2.Event
    # Without a time, which no test can know beforehand.
    for name, content in {
        "version": event(file_version="brain.Event:2"),
        "scalar": event(step=300, summary=summary_pb2.Summary(value=[scalar])),
        "image": event(step=1, summary=summary_pb2.Summary(value=[image])),
        "text": event(step=2**40, summary=summary_pb2.Summary(value=[text])),
        "start": event(step=8, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START)),
    }.items():
        print(f"{name} {content.SerializeToString(deterministic=True).hex()}")
    stream = Bytes()
    RecordWriter(stream).write(b"chiaro")
    print(f"record {stream.value.hex()}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--vectors"]:
        vectors()
    elif len(sys.argv) == 2:
        read(pathlib.Path(sys.argv[1]))
    else:
        sys.exit(__doc__)
