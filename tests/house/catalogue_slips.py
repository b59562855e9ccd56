"""A slip in a catalogue stops the configure step with a sentence that names it (cmake/room.cmake)."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[2]

PROJECT = """cmake_minimum_required(VERSION 3.25)
project(slips LANGUAGES CXX)
include(${CMAKE_SOURCE_DIR}/room.cmake)
add_library(chiaro_warnings INTERFACE)
add_subdirectory(chiaro/degrade)
"""


class Slips(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="chiaro_slips_"))
        shutil.copy(ROOT / "cmake/room.cmake", cls.root)
        (cls.root / "CMakeLists.txt").write_text(PROJECT)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def setUp(self):
        for folder in ("chiaro", "tests"):
            shutil.rmtree(self.root / folder, ignore_errors=True)
        self.write("chiaro/degrade/CMakeLists.txt", "chiaro_room(degrade)\n")
        self.write("chiaro/degrade/catalogue.h", "#pragma once\n")
        self.write("chiaro/degrade/catalogue.cpp", '#include "catalogue.h"\n')
        self.write("chiaro/degrade/rain.cpp", "")
        self.write("chiaro/degrade/degrade.def", "// what there is\nCHIARO_ENTRY(rain)\n")
        self.write("tests/degrade/rain_test.cpp", "")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def configure(self):
        answer = subprocess.run(["cmake", "-G", "Ninja", "-S", self.root, "-B", self.root / "build"],
                                capture_output=True, text=True)
        return answer.returncode, " ".join(answer.stderr.split())

    def expect_stop(self, sentence):
        status, said = self.configure()
        self.assertNotEqual(status, 0)
        self.assertIn(sentence, said)

    def test_a_good_catalogue_passes(self):
        status, said = self.configure()
        self.assertEqual(status, 0, said)

    def test_line_without_file(self):
        self.write("chiaro/degrade/degrade.def", "CHIARO_ENTRY(rain)\nCHIARO_ENTRY(snow)\n")
        self.expect_stop("lists 'snow', but chiaro/degrade/snow.cpp does not exist")

    def test_line_without_test(self):
        (self.root / "tests/degrade/rain_test.cpp").unlink()
        self.expect_stop("'rain' has no test: write tests/degrade/rain_test.cpp")

    def test_file_without_line(self):
        self.write("chiaro/degrade/snow.cpp", "")
        self.expect_stop("chiaro/degrade/snow.cpp is neither listed in degrade.def nor has a header")

    def test_double_line(self):
        self.write("chiaro/degrade/degrade.def", "CHIARO_ENTRY(rain)\nCHIARO_ENTRY(rain)\n")
        self.expect_stop("lists 'rain' twice")


if __name__ == "__main__":
    unittest.main()
