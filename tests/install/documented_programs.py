"""The programs of README and docs, as a reader copies them: compiled against an installed tree, and run."""

import re
import shutil
import textwrap

# What stands around a fragment: it is told of pixels `rgb` of `width` by `height`, which come as PPM.
FRAME_C = """#include <chiaro.h>
#include <stdio.h>
#include <stdlib.h>
int main(void) {
  int width = 0;
  int height = 0;
  if (scanf("P6 %d %d 255%*c", &width, &height) != 2) return 90;
  const size_t bytes = (size_t)3 * (size_t)width * (size_t)height;
  unsigned char* rgb = malloc(bytes);
  if (fread(rgb, 1, bytes, stdin) != bytes) return 91;
@
  printf("P6\\n%d %d\\n255\\n", width, height);
  fwrite(rgb, 1, bytes, stdout);
  free(rgb);
  return status;
}
"""
FRAME_CPP = """#include <cstdint>
#include <cstdio>
#include <iostream>
#include <vector>
int main() {
  int width = 0;
  int height = 0;
  if (std::scanf("P6 %d %d 255%*c", &width, &height) != 2) return 90;
  std::vector<std::uint8_t> read(std::size_t{3} * width * height);
  if (std::fread(read.data(), 1, read.size(), stdin) != read.size()) return 91;
  const std::uint8_t* rgb = read.data();
@
  std::FILE* file = std::fopen("clear.ppm", "wb");
  std::fprintf(file, "P6\\n%d %d\\n255\\n", width, height);
  std::fwrite(clear.data(), 1, clear.size(), file);
  std::fclose(file);
}
"""
FRAME_CMAKE = """cmake_minimum_required(VERSION 3.25)
project(mine LANGUAGES C)
add_executable(mine mine.c)
@
"""
COMPILERS = {"c": ("cc", "-std=c99"), "cpp": ("c++", "-std=c++17")}


def code_blocks(source, language):
    """(file, code) of README and docs."""
    for path in (source / "README.md", *sorted((source / "docs").rglob("*.md"))):
        for code in re.findall(rf"^ *```{language}\n(.*?)^ *```", path.read_text(), flags=re.DOTALL | re.MULTILINE):
            yield path.relative_to(source), code


def whole_program(code, language):
    """The code itself, or in its frame where it is a fragment."""
    if re.search(r"\bint main\(", code):
        return code
    includes = "".join(re.findall(r"^#include.*\n", code, flags=re.MULTILINE))
    statements = textwrap.indent(re.sub(r"^#include.*\n", "", code, flags=re.MULTILINE), "  ")
    return includes + (FRAME_C if language == "c" else FRAME_CPP).replace("@", statements)


def documented_shell_line(source, beginning):
    line, = [line for _, code in code_blocks(source, "sh") for line in code.splitlines() if line.startswith(beginning)]
    return line


class DocumentedPrograms:
    """`call`: runs a command in a bare environment and gives its output; `pixels`: takes a PPM apart."""

    def __init__(self, source, tree, work, call, pixels):
        self.source, self.call, self.pixels = source, call, pixels
        self.folder = work / "documented"
        self.folder.mkdir()
        # The line for the compiler is for a folder without blanks.
        self.tree = work / "tree"
        self.tree.symlink_to(tree)
        self.program = self.tree / "bin/chiaro"
        shutil.copy(source / "examples/photos/dogs_noisy.jpg", self.folder / "old.jpg")
        self.restored = self.folder / "restored.png"
        call(self.program, "restore", self.folder / "old.jpg", "-o", self.restored)
        self.noisy = call(self.program, "restore", self.folder / "old.jpg", "-o", "-", "--format", "ppm", "--strength", "0")
        self.mild = pixels(call(self.program, "restore", "-", "-o", "-", "--format", "ppm", "--strength", "0.8",
                                input=self.noisy))[2]
        assert self.mild != pixels(self.noisy)[2]

    def check(self):
        kinds = [self.check_program(name, code, language) for language in COMPILERS
                 for name, code in code_blocks(self.source, language)]
        assert {"fragment in c", "fragment in cpp", "program in cpp"} <= set(kinds), kinds
        self.check_line_for_the_compiler()
        self.check_cmake()

    def check_program(self, name, code, language):
        """Compiles with all warnings, and runs where old.jpg lies, on its pixels."""
        print(f"{name}: a block of {language}")
        written = self.folder / f"program.{language}"
        written.write_text(whole_program(code, language))
        built = self.folder / f"program_{language}"
        flags = [f"-I{self.tree}/include", f"-L{self.tree}/lib", "-lchiaro", f"-Wl,-rpath,{self.tree}/lib"]
        self.call(*COMPILERS[language], "-Wall", "-Wextra", "-Werror", written, "-o", built, *flags)
        clear = self.folder / "clear.png"
        clear.unlink(missing_ok=True)
        fragment = written.read_text() != code
        said = self.call(built, input=self.noisy, cwd=self.folder)
        if language == "c":
            assert self.pixels(said)[2] == self.mild, name
        else:
            assert clear.read_bytes() == self.restored.read_bytes(), name
            if fragment:
                assert self.pixels((self.folder / "clear.ppm").read_bytes())[2] == self.mild, name
                assert re.match(rb"(\w+ [\d.e-]+\n){2,}$", said), said
            else:  # it says that it throws where clear.png exists, and catches nothing
                self.call(built, cwd=self.folder, status=-6)
        return f"{'fragment' if fragment else 'program'} in {language}"

    def write_mine(self):
        (_, code), = code_blocks(self.source, "c")
        (self.folder / "mine.c").write_text(whole_program(code, "c"))

    def check_line_for_the_compiler(self):
        self.write_mine()
        line = documented_shell_line(self.source, "cc mine.c ")
        assert "/opt/chiaro" in line, line
        self.call("sh", "-c", line.replace("/opt/chiaro", str(self.tree)), cwd=self.folder)
        assert self.pixels(self.call(self.folder / "a.out", input=self.noisy))[2] == self.mild

    def check_cmake(self):
        self.write_mine()
        blocks = list(code_blocks(self.source, "cmake"))
        assert blocks, "no block of CMake"
        for _, code in blocks:
            (self.folder / "CMakeLists.txt").write_text(FRAME_CMAKE.replace("@", code))
            build = self.folder / "build"
            self.call("cmake", "-G", "Ninja", "-S", self.folder, "-B", build, f"-DCMAKE_PREFIX_PATH={self.tree}")
            self.call("ninja", "-C", build)
            assert self.pixels(self.call(build / "mine", input=self.noisy))[2] == self.mild
            shutil.rmtree(build)
