"""Plants one fault at a time in a small tree and sees the check name it: a check that cannot fail checks nothing."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[2]


class Tree(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="chiaro_house_"))
        self.addCleanup(shutil.rmtree, self.root)
        self.write("docs/architecture.md", (ROOT / "docs/architecture.md").read_text(encoding="utf-8"))
        shutil.copy(ROOT / ".clang-format", self.root)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def check(self, tool):
        answer = subprocess.run([sys.executable, ROOT / "tools" / tool, self.root], capture_output=True, text=True)
        return answer.returncode, answer.stdout + answer.stderr

    def expect_fault(self, tool, part):
        status, said = self.check(tool)
        self.assertEqual(status, 7, said)
        self.assertIn(part, said)

    def expect_kept(self, tool):
        status, said = self.check(tool)
        self.assertEqual((status, said), (0, ""))


class Layers(Tree):
    def kept(self, name, include):
        self.write(name, f"#include {include}\n")
        self.expect_kept("check_layers.py")

    def broken(self, name, include, part):
        self.write(name, f"#include {include}\n")
        self.expect_fault("check_layers.py", part)

    def test_downwards_is_allowed(self):
        self.kept("chiaro/restore/restorer.cpp", '"chiaro/engine/engine.h"')

    def test_upwards_is_not(self):
        self.broken("chiaro/image/image.cpp", '"chiaro/restore/restorer.h"', "image may include only: base")

    def test_wings_do_not_mix(self):
        self.broken("chiaro/restore/restorer.cpp", "<torch/nn/module.h>", "belongs to: training")
        self.broken("apps/cli/train.cpp", "<ATen/ATen.h>", "belongs to: training")

    def test_whole_torch_header_is_for_the_precompiled_header(self):
        self.broken("chiaro/losses/l1.h", "<torch/torch.h>", "belongs to: no room")

    def test_one_room_knows_the_engine(self):
        self.kept("chiaro/engine/engine.cpp", "<openvino/openvino.hpp>")
        self.broken("chiaro/eval/eval.cpp", "<openvino/openvino.hpp>", "belongs to: engine")

    def test_single_header_of_a_room(self):
        self.kept("chiaro/methods/supervised.cpp", '"chiaro/data/batch.h"')
        self.broken("chiaro/methods/supervised.cpp", '"chiaro/data/loader.h"', "includes chiaro/data/loader.h")

    def test_unknown_rooms(self):
        self.broken("chiaro/cellar/wine.cpp", '"chiaro/base/error.h"', "the room 'cellar' is not in the table")
        self.broken("chiaro/image/image.cpp", '"chiaro/cellar/wine.h"', "no room 'cellar'")

    def test_links(self):
        self.write("chiaro/image/CMakeLists.txt", "chiaro_room(image DEPS base LIBS fmt::fmt)\n")
        self.expect_kept("check_layers.py")
        self.write("chiaro/image/CMakeLists.txt", "chiaro_room(image DEPS base eval PRIVATE_LIBS fmt::fmt)\n")
        self.expect_fault("check_layers.py", "links eval")

    def test_links_by_hand(self):
        self.write("chiaro/api/CMakeLists.txt", "target_link_libraries(chiaro_api PRIVATE chiaro::base\n  "
                   "chiaro::restore fmt::fmt chiaro_warnings)  # not chiaro::eval\n")
        self.write("apps/cli/CMakeLists.txt", "target_link_libraries(chiaro PRIVATE chiaro::eval chiaro_server)\n")
        self.write("apps/train/CMakeLists.txt", "target_link_libraries(chiaro-train PRIVATE chiaro::freeze)\n")
        self.expect_kept("check_layers.py")
        self.write("chiaro/api/CMakeLists.txt", "target_link_libraries(chiaro_api PRIVATE chiaro::base\n  "
                   "chiaro::eval)\n")
        self.expect_fault("check_layers.py", "chiaro/api/CMakeLists.txt: links eval")
        self.write("chiaro/api/CMakeLists.txt", "target_link_libraries(chiaro_api PRIVATE chiaro_degrade)\n")
        self.expect_fault("check_layers.py", "chiaro/api/CMakeLists.txt: links degrade")
        self.write("chiaro/api/CMakeLists.txt", "")
        self.write("apps/server/CMakeLists.txt", "target_link_libraries(chiaro_server PUBLIC chiaro::eval)\n")
        self.expect_fault("check_layers.py", "apps/server/CMakeLists.txt: links eval")

    def test_missing_table(self):
        self.write("docs/architecture.md", "nothing\n")
        status, said = self.check("check_layers.py")
        self.assertEqual(status, 1)
        self.assertIn("no table 'layers'", said)


class Rules(Tree):
    def broken(self, name, text, part):
        self.write(name, text)
        self.expect_fault("check_house.py", part)

    def test_a_good_file(self):
        self.write("chiaro/image/image.h", "#pragma once\nnamespace chiaro::image {\n// exit( in words, model too\n"
                   'inline const char* text() { return "abort(1); /* std::cout"; }\n}\n')
        self.write("chiaro/degrade/rain.cpp",
                   "namespace chiaro::degrade {\nvoid fall(int drops) { loop.exit(drops); }\n}\n")
        self.expect_kept("check_house.py")

    def test_tests_have_a_namespace_of_their_own(self):
        self.write("tests/image/codec_test.cpp", "namespace chiaro::image::codec_test {\n}\n")
        self.expect_kept("check_house.py")
        self.broken("tests/image/codec_test.cpp", "namespace chiaro::image {\n}\n", "ends with ::codec_test")

    def test_length(self):
        self.write("chiaro/image/long.cpp", "\n" * 600)
        self.expect_kept("check_house.py")
        self.broken("chiaro/image/long.cpp", "\n" * 601, "601 lines")

    def test_process_end(self):
        for call in ("exit(1)", "std::exit(1)", "abort()", "std::abort()", "std::terminate()", "_exit(0)"):
            self.broken("chiaro/image/end.cpp", f"void f() {{ {call}; }}\n", "ends the process")

    def test_printing(self):
        for call in ('std::cout << "a"', 'printf("a")', 'std::puts("a")'):
            self.broken("chiaro/image/print.cpp", f"void f() {{ {call}; }}\n", "prints")

    def test_hidden_randomness(self):
        for call in ("std::mt19937 g", "int a = rand()", "std::random_device d"):
            self.broken("chiaro/image/random.cpp", f"void f() {{ {call}; }}\n", "draws random numbers")

    def test_words(self):
        self.broken("chiaro/image/utils.h", "#pragma once\n", "the word 'utils'")
        self.broken("chiaro/image/kind.h", "#pragma once\nclass TileManager;\n", "the word 'manager'")
        self.broken("chiaro/image/kind.h", "#pragma once\nstruct model_options {};\n", "the word 'model'")

    def test_pragma_once(self):
        self.broken("chiaro/image/kind.h", "int f();\n", "no #pragma once")

    def test_namespace(self):
        self.broken("chiaro/image/kind.cpp", "namespace chiaro::eval {\n}\n", "opens chiaro::eval")

    def test_notes_for_later(self):
        self.broken("chiaro/image/kind.cpp", "// TO" + "DO: write this\n", "do something later")


class Format(Tree):
    def test_format(self):
        status, said = self.check("check_format.py")
        if status == 77:
            self.skipTest(said)
        self.write("chiaro/image/kind.cpp", "int f();\n")
        self.expect_kept("check_format.py")
        self.write("chiaro/image/kind.cpp", "int   f( ) ;\n")
        self.expect_fault("check_format.py", "kind.cpp")


if __name__ == "__main__":
    unittest.main()
