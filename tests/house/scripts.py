"""./run, ./test and .ci/run with every outside command replaced: what they call, what they say, where they stop."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[2]
BASICS = ("awk bash cat chmod cp cut dirname env find flock grep mkdir mktemp mv paste rm sed sha256sum sleep sort tail touch").split()
WHEEL = b"what a wheel holds"
MODULES = ("onnxruntime", "onnx", "numpy", "protobuf", "ml_dtypes", "typing_extensions", "prometheus_client", "openapi-spec-validator",
           "openapi-schema-validator", "jsonschema", "jsonschema-specifications", "jsonschema-path", "referencing", "rpds-py", "attrs",
           "pathable", "pyyaml", "rfc3339-validator", "six", "lazy-object-proxy")
STUBS = {
    "uname": 'case $1 in -s) echo Linux;; -m) echo x86_64;; esac',
    "id": "echo 0",
    "nproc": "echo 2",
    "df": 'printf "Filesystem\\n/dev/x 1 1 90000000 1%% /\\n"',
    "dpkg-query": 'shift 2; for name in "$@"; do echo "installed $name"; done',
    "apt-get": 'echo "apt-get $*" >> "$CALLS"; exit "${APT_STATUS:-0}"',
    "python3": 'if [ "$1" = -c ]; then exit "${OTHER_PYTHON:-0}"; fi\n'
               'echo "python3 $*" >> "$CALLS"; [ "${NET:-up}" = up ] || exit 1\n'
               'while [ "$1" != --dest ]; do shift; done; printf "%s" "${SENT:-what a wheel holds}" > "$2/engine.whl"',
    "unzip": 'while [ "$1" != -d ]; do shift; done\n'
             'mkdir -p "$2"/{openvino,torch/lib,nvidia/cu13/lib,engine.dist-info/licenses}\n'
             'touch "$2"/nvidia/cu13/lib/libcudart.so.13',
    "cmake": 'echo "cmake $*" >> "$CALLS"; mkdir -p build/release; touch build/release/build.ninja\n'
             'echo "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" > build/release/CMakeCache.txt\n'
             'case $* in *TRAINING=ON*) echo CHIARO_WITH_TRAINING:BOOL=ON >> build/release/CMakeCache.txt;; esac',
    "ctest": 'echo "ctest $* threads=$OMP_NUM_THREADS" >> "$CALLS"; echo "100% tests passed"\n'
             'mkdir -p Testing/Temporary; echo "[  SKIPPED ] Some.Test (0 ms)" > Testing/Temporary/LastTest.log\n'
             'exit "${TESTS:-0}"',
    "ninja": 'echo "ninja $*" >> "$CALLS"; mkdir -p build/release/apps/cli; cd build/release/apps/cli\n'
             'echo "noise of the build"\n'
             'printf "#!/usr/bin/env bash\\nprintf \'[%%s]\' \\"\\$@\\"; exit 3\\n" > chiaro; chmod +x chiaro',
}


class Run(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="chiaro_run_"))
        self.addCleanup(shutil.rmtree, self.root)
        self.tree, self.bin, self.calls = self.root / "tree", self.root / "bin", self.root / "calls"
        for folder in ("tools", "chiaro", "apps", "cmake", "models"):
            (self.tree / folder).mkdir(parents=True)
        (self.tree / ".ci").mkdir()
        for name in ("run", "test", ".ci/run", "tools/setup.sh"):
            shutil.copy(ROOT / name, self.tree / name)
        for name in ("CMakeLists.txt", "CMakePresets.json"):
            (self.tree / name).touch()
        (self.tree / "tools/wheels.txt").write_text("".join(
            f"{name}==1.0 {hashlib.sha256(WHEEL).hexdigest()} engine.whl\n"
            for name in ("openvino", "torch", "nvidia-cuda-runtime", "nvidia-cuda-cupti", *MODULES)))
        self.cached = self.root / "cache/chiaro/wheels/engine.whl"
        self.bin.mkdir()
        for name in BASICS:
            (self.bin / name).symlink_to(shutil.which(name))
        for name, body in STUBS.items():
            self.stub(name, body)

    def stub(self, name, body):
        (self.bin / name).write_text(f"#!{shutil.which('bash')}\n{body}\n")
        (self.bin / name).chmod(0o755)

    def run_it(self, *arguments, script="run", **environment):
        self.calls.write_text("")
        environment |= {"PATH": str(self.bin), "CALLS": str(self.calls), "CHIARO_PYTHON": "python3",
                        "XDG_CACHE_HOME": str(self.root / "cache")}
        answer = subprocess.run([shutil.which("bash"), self.tree / script, *arguments], env=environment, cwd=self.tree,
                                stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return answer, self.calls.read_text()

    def expect_stop(self, sentence, **environment):
        answer, calls = self.run_it("restore", **environment)
        self.assertEqual(answer.returncode, 6, answer.stderr)
        self.assertIn(sentence, answer.stderr)
        self.assertEqual(answer.stdout, "")
        return calls

    def test_first_call_builds_and_starts_the_program(self):
        answer, calls = self.run_it("restore", "a b.jpg", "")
        self.assertEqual((answer.stdout, answer.returncode), ("[restore][a b.jpg][]", 3), answer.stderr)
        self.assertIn("noise of the build", answer.stderr)
        self.assertIn("openvino==1.0", calls)
        self.assertIn("cmake --preset release", calls)
        self.assertNotIn("apt-get", calls)
        self.assertEqual(self.cached.read_bytes(), WHEEL)

    def test_later_calls_start_it_at_once(self):
        self.run_it()
        answer, calls = self.run_it("--version")
        self.assertEqual((answer.stdout, answer.returncode, answer.stderr, calls), ("[--version]", 3, "", ""))

    def test_a_changed_source_is_built_without_network(self):
        self.run_it()
        later = (self.tree / "build/release/.built").stat().st_mtime + 5
        source = self.tree / "chiaro/new.cpp"
        source.touch()
        os.utime(source, (later, later))
        _, calls = self.run_it(NET="down")
        self.assertIn("ninja", calls)
        self.assertNotIn("python3", calls)
        self.assertNotIn("cmake", calls)

    def test_training_is_set_up_when_asked_for(self):
        self.run_it()
        answer, calls = self.run_it("train", "x.toml")
        self.assertEqual((answer.stdout, answer.returncode), ("[train][x.toml]", 3), answer.stderr)
        self.assertIn("cmake --preset release -DCHIARO_WITH_TRAINING=ON", calls)
        self.assertIn("chiaro-train", calls)
        _, calls = self.run_it("freeze")
        self.assertEqual(calls, "")
        _, calls = self.run_it("restore")
        self.assertEqual(calls, "")

    def test_a_moved_tree_is_configured_anew(self):
        self.run_it()
        moved = self.root / "moved tree"
        self.tree.rename(moved)
        self.tree = moved
        answer, calls = self.run_it()
        self.assertEqual(answer.returncode, 3, answer.stderr)
        self.assertIn("cmake --preset release", calls)

    def test_missing_packages_are_installed_as_root(self):
        self.stub("dpkg-query", 'shift 2; for name in "$@"; do [ "$name" = g++ ] || echo "installed $name"; done')
        answer, calls = self.run_it()
        self.assertEqual(answer.returncode, 3, answer.stderr)
        self.assertRegex(calls, r"apt-get .*install --no-install-recommends g\+\+\n")
        self.assertNotIn("libvips", calls)

    def test_no_root_and_no_sudo(self):
        self.stub("id", "echo 1000")
        self.stub("dpkg-query", "true")
        self.expect_stop("ask an administrator for: apt-get install --no-install-recommends g++ cmake")

    def test_sudo_that_wants_a_password_is_not_asked_without_a_terminal(self):
        self.stub("id", "echo 1000")
        self.stub("dpkg-query", "true")
        self.stub("sudo", "exit 1")
        self.expect_stop("first run: sudo apt-get install")

    def test_sudo(self):
        self.stub("id", "echo 1000")
        self.stub("dpkg-query", "true")
        self.stub("sudo", '[ "$1" = -n ] || { echo "sudo $*" >> "$CALLS"; exec "$@"; }')
        answer, calls = self.run_it()
        self.assertEqual(answer.returncode, 3, answer.stderr)
        self.assertIn("sudo env DEBIAN_FRONTEND=noninteractive apt-get", calls)

    def test_packages_that_cannot_be_had(self):
        self.stub("dpkg-query", "true")
        self.expect_stop("the Debian packages could not be had", APT_STATUS="100")

    def test_not_debian(self):
        for name in ("apt-get", "dpkg-query", "ninja"):
            (self.bin / name).unlink()
        self.stub("g++", "true")
        self.stub("pkg-config", "true")
        self.expect_stop("'ninja' is missing and this is not Debian; install what these Debian packages hold")

    def test_no_network(self):
        calls = self.expect_stop("cannot fetch openvino==1.0", NET="down")
        self.assertIn("pip download", calls)
        self.assertEqual(list(self.cached.parent.iterdir()), [])

    def test_another_file_than_the_pinned_one(self):
        self.expect_stop("sent something else for openvino==1.0", SENT="something else")
        self.assertFalse(self.cached.exists())

    def test_a_damaged_file_in_the_cache_is_fetched_again(self):
        self.cached.parent.mkdir(parents=True)
        self.cached.write_bytes(b"half")
        answer, _ = self.run_it()
        self.assertEqual(answer.returncode, 3, answer.stderr)
        self.assertIn("is damaged; fetching it again", answer.stderr)
        self.assertEqual(self.cached.read_bytes(), WHEEL)

    def test_full_disk(self):
        self.stub("df", 'printf "Filesystem\\n/dev/x 1 1 1500000 1%% /\\n"')
        self.expect_stop("1 GB are free on the disk of")

    def test_another_processor(self):
        self.stub("uname", 'case $1 in -s) echo Linux;; -m) echo aarch64;; esac')
        self.expect_stop("got Linux on aarch64")

    def test_a_failed_build_does_not_count_as_built(self):
        self.stub("ninja", "echo broken; exit 1")
        answer, _ = self.run_it()
        self.assertEqual(answer.returncode, 70, answer.stderr)
        self.assertIn("the build failed", answer.stderr)
        self.assertFalse((self.tree / "build/release/.built").exists())

    def test_tests_are_built_and_run(self):
        for script in ("test", ".ci/run"):
            answer, calls = self.run_it(script=script)
            self.assertEqual(answer.returncode, 0, answer.stderr)
            self.assertEqual(answer.stdout.splitlines()[-1], "100% tests passed")
            self.assertIn("cmake --preset dev\n", calls)
            self.assertRegex(calls, r"ninja -C \S+ -j \d+ all\n")
            self.assertRegex(calls, r"ctest .*-L fast threads=1\n")
            self.assertNotIn("apt-get", calls)

    def test_what_was_skipped_is_named(self):
        answer, _ = self.run_it(script="test")
        self.assertIn("says why): Some.Test\n", answer.stderr)

    def test_another_python_goes_without_modules_of_python(self):
        folders = [self.tree / "build/prefix" / name for name in ("onnxruntime", "server_checks")]
        self.run_it(script="test", OTHER_PYTHON="1")
        self.assertEqual([folder.exists() for folder in folders], [False, False])
        self.run_it(script="test")
        self.assertEqual([(folder / ".from").exists() for folder in folders], [True, True])

    def test_failing_tests_fail_the_script(self):
        for script in ("test", ".ci/run"):
            answer, _ = self.run_it(script=script, TESTS="8")
            self.assertEqual(answer.returncode, 8, answer.stderr)

    def test_arguments_choose_other_tests(self):
        _, calls = self.run_it("-R", "image", script="test")
        self.assertIn("-R image", calls)
        self.assertNotIn("-L fast", calls)


if __name__ == "__main__":
    unittest.main()
