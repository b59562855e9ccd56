"""chiaro export writes the bundle's very graph: export_test.py PROGRAM BUNDLE (one with a controller, one without)"""

import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

PLAIN = sys.argv.pop()
CONDITIONED = sys.argv.pop()
PROGRAM = sys.argv.pop()


class Export(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.output = pathlib.Path(folder.name) / "graph.onnx"

    def export(self, *words, status=0, part=""):
        answer = subprocess.run([PROGRAM, "export", *words, "-o", self.output], capture_output=True, text=True)
        self.assertEqual(answer.returncode, status, answer.stderr)
        self.assertIn(part, answer.stderr)

    def test_members(self):
        for member, words in (("restore.onnx", ()), ("condition.onnx", ("--controller", "--overwrite"))):
            self.export(CONDITIONED, *words)
            self.assertEqual(self.output.read_bytes(), zipfile.ZipFile(CONDITIONED).read(member))

    def test_refusals(self):
        self.export(PLAIN, "--controller", status=5, part="condition.onnx")
        self.export("no_such_bundle", status=3, part="no_such_bundle")
        self.assertFalse(self.output.exists())
        self.output.write_text("mine")
        self.export(PLAIN, status=4, part="exists already")
        self.assertEqual(self.output.read_text(), "mine")


if __name__ == "__main__":
    unittest.main()
