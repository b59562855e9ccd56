"""tools/check_onnx.py finds faults that are planted: onnx_check_can_fail.py BUNDLE (one that ships, without a controller)"""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

CHECK = pathlib.Path(__file__).parents[2] / "tools/check_onnx.py"
BUNDLE = pathlib.Path(sys.argv.pop())
SKIPPED = 77


def read_safetensors(content):
    """(dtype, shape, bytes) by name."""
    length = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8:8 + length]), content[8 + length:]
    return {name: (entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])])
            for name, entry in header.items() if name != "__metadata__"}


def written_safetensors(tensors):
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.bundle = pathlib.Path(folder.name) / "planted.chiaro"
        with zipfile.ZipFile(BUNDLE) as whole:
            self.members = {name: whole.read(name) for name in whole.namelist()}
        self.vectors = read_safetensors(self.members["selftest.safetensors"])

    def check(self):
        self.members["selftest.safetensors"] = written_safetensors(self.vectors)
        with zipfile.ZipFile(self.bundle, "w", zipfile.ZIP_STORED) as made:
            for name, content in self.members.items():
                made.writestr(name, content)
        answer = subprocess.run([sys.executable, CHECK, self.bundle], capture_output=True, text=True)
        return answer.returncode, answer.stdout + answer.stderr

    def expect_fault(self, part):
        status, said = self.check()
        self.assertEqual(status, 7, said)
        self.assertIn(part, said)

    def test_as_it_ships_it_passes(self):
        status, said = self.check()
        self.assertEqual(status, 0, said)
        self.assertIn("1 of 1 bundles equal", said)

    def test_two_sizes_are_too_few(self):
        last = max(int(name.partition(".")[0]) for name in self.vectors)
        for role in ("input", "output"):
            del self.vectors[f"{last}.{role}"]
        self.expect_fault("restore.onnx: test vectors of 2 different sizes; expected at least 3")

    def test_a_size_that_comes_twice_counts_once(self):
        last = max(int(name.partition(".")[0]) for name in self.vectors)
        for role in ("input", "output"):
            self.vectors[f"{last}.{role}"] = self.vectors[f"0.{role}"]
        self.expect_fault("restore.onnx: test vectors of 2 different sizes")

    def test_another_output(self):
        dtype, shape, content = self.vectors["1.output"]
        values = list(struct.unpack(f"<{len(content) // 4}f", content))
        values[5] += 2e-4
        self.vectors["1.output"] = (dtype, shape, struct.pack(f"<{len(values)}f", *values))
        self.expect_fault("0 of 1 bundles equal")

    def test_an_output_of_another_size(self):
        dtype, (n, c, h, w), content = self.vectors["1.output"]
        self.vectors["1.output"] = (dtype, [n, c, w, h], content)
        self.expect_fault("largest difference inf")


if __name__ == "__main__":
    probe = subprocess.run([sys.executable, CHECK, BUNDLE], capture_output=True, text=True)
    if probe.returncode == SKIPPED:
        print(probe.stdout)
        sys.exit(SKIPPED)
    unittest.main()
