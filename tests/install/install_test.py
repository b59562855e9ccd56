"""Installs a component, moves the tree, and uses it as a stranger would."""

import argparse
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

from documented_programs import DocumentedPrograms

MAX_RESTORE_BYTES = 150_000_000
SKIPPED = 77  # as exit status: ctest calls it skipped

# What a program of the training wing looks like from outside.
TRAIN_CMAKE = """cmake_minimum_required(VERSION 3.25)
project(networks LANGUAGES CXX)
find_package(chiaro REQUIRED COMPONENTS train)
add_executable(networks main.cpp)
target_compile_features(networks PRIVATE cxx_std_20)
target_link_libraries(networks PRIVATE chiaro::networks)
"""
TRAIN_MAIN = """#include <cstdio>
#include "chiaro/networks/network.h"
int main() {
  for (const auto& entry : chiaro::networks::catalogue()) std::puts(entry.name.c_str());
}
"""


def call(*command, status=0, **more):
    print("$", *command, flush=True)
    # A bare environment: nothing of the build tree may be needed.
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    answer = subprocess.run([str(part) for part in command], capture_output=True, env=environment, **more)
    text = answer.stdout.decode(errors="replace") + answer.stderr.decode(errors="replace")
    assert answer.returncode == status, f"status {answer.returncode}, expected {status}\n{text[-4000:]}"
    return answer.stdout


def files_of(tree):
    return [path for path in tree.rglob("*") if path.is_file()]


def check_pages(prefix, program):
    """The manual page and the completion where man and bash look for them."""
    assert ".SH EXIT STATUS" in (prefix / f"share/man/man1/{program}.1").read_text()
    completion = (prefix / "share/bash-completion/completions" / program).read_text()
    assert completion.endswith(f" {program}\n") and "complete -o" in completion, completion[-200:]


def check_binary(program, forbidden_folders):
    said = call("ldd", program).decode()
    assert "not found" not in said, said
    dynamic = call("readelf", "-d", program).decode()
    for folder in forbidden_folders:
        assert str(folder) not in dynamic, f"{program} remembers {folder}\n{dynamic}"
    return said


def build_consumer(source, build, prefix):
    call("cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
         "-DCMAKE_BUILD_TYPE=Release")
    call("ninja", "-C", build)
    return build / source.name


def pixels_of_ppm(data):
    header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    assert header, data[:20]
    return int(header[1]), int(header[2]), data[header.end():]


def check_restore(source, tree, work, make_bundle):
    names = [str(path.relative_to(tree)) for path in files_of(tree)]
    size = sum(path.stat().st_size for path in files_of(tree))
    print(f"{len(names)} files, {size / 1e6:.1f} MB")
    assert size < MAX_RESTORE_BYTES, size
    assert not [name for name in names if "libtorch" in name or "libc10" in name], "libtorch in the restoration component"
    assert "share/doc/chiaro/LICENSE" in names and "share/doc/chiaro/openvino/LICENSE" in names, names
    program = tree / "bin/chiaro"
    assert "torch" not in check_binary(program, [source])
    assert re.search(rb"\d+\.\d+\.\d+", call(program, "--version"))
    check_pages(tree, "chiaro")

    bundle = work / "identity.chiaro"
    call(make_bundle, "identity", bundle)
    photo = source / "examples/photos/clean/cat.jpg"
    call(program, "restore", photo, "-o", work / "plain.ppm", "--bundle", bundle, "--precision", "f32")
    width, height, plain = pixels_of_ppm((work / "plain.ppm").read_bytes())
    assert (width, height) == (451, 300) and len(plain) == 3 * width * height

    call(program, "restore", source / "examples/photos/dogs_noisy.jpg", "-o", work / "noisy.ppm", "--bundle", bundle,
         "--precision", "f32")

    # With the bundled network the picture changes.
    if list((tree / "share/chiaro/models").glob("*.chiaro")):
        call(program, "restore", photo, "-o", work / "better.ppm")
        assert pixels_of_ppm((work / "better.ppm").read_bytes())[:2] == (451, 300)

    # Both examples give the very pixels that the program gives.
    consumer = build_consumer(source / "examples/restore_file", work / "restore_file", tree)
    call(consumer, bundle, photo, work / "file.ppm")
    assert pixels_of_ppm((work / "file.ppm").read_bytes())[2] == plain
    call(consumer, work / "none.chiaro", photo, work / "none.ppm", status=3)
    assert not (work / "none.ppm").exists()
    consumer = build_consumer(source / "examples/restore_buffer", work / "restore_buffer", tree)
    assert pixels_of_ppm(call(consumer, bundle, input=(work / "plain.ppm").read_bytes()))[2] == plain
    check_binary(consumer, [source / "build"])
    check_library(source, tree, work, bundle)
    if list((tree / "share/chiaro/models").glob("default.chiaro")):
        DocumentedPrograms(source, tree, work, call, pixels_of_ppm).check()


def check_library(source, tree, work, bundle):
    """libchiaro as programs in C and C++ find it, by CMake and by pkg-config."""
    library = tree / "lib/libchiaro.so"
    assert "torch" not in check_binary(library, [source])
    pixels = (work / "noisy.ppm").read_bytes()
    wanted = pixels_of_ppm(call(tree / "bin/chiaro", "restore", "-", "-o", "-", "--format", "ppm", input=pixels))[2]
    in_c = build_consumer(source / "examples/library_c", work / "library_c", tree)
    # Without a name: the default bundle, found beside the library.
    assert pixels_of_ppm(call(in_c, input=pixels))[2] == wanted != pixels_of_ppm(pixels)[2]
    assert pixels_of_ppm(call(in_c, bundle, input=pixels))[2] == pixels_of_ppm(pixels)[2]
    call(in_c, work / "none.chiaro", input=pixels, status=3)
    check_binary(in_c, [source / "build"])

    in_cpp = build_consumer(source / "examples/library_cpp", work / "library_cpp", tree)
    assert b"restored with strength" in call(in_cpp, work / "noisy.ppm", work / "by_cpp.ppm")
    assert pixels_of_ppm((work / "by_cpp.ppm").read_bytes())[2] == wanted
    call(in_cpp, work / "noisy.ppm", work / "by_cpp.ppm", status=4)  # it exists

    flags = shlex.split(subprocess.run(["pkg-config", "--cflags", "--libs", "chiaro"], check=True, capture_output=True,
                                       text=True, env={"PATH": "/usr/bin:/bin",
                                                       "PKG_CONFIG_PATH": str(tree / "lib/pkgconfig")}).stdout)
    by_hand = work / "by_hand"
    call("cc", "-std=c99", source / "examples/library_c/main.c", "-o", by_hand, *flags, f"-Wl,-rpath,{tree}/lib")
    assert pixels_of_ppm(call(by_hand, bundle, input=pixels))[2] == pixels_of_ppm(pixels)[2]


def built_package(given, work):
    call("cpack", "--config", given.build / "CPackConfig.cmake", "-B", work / "packages")
    package, = (work / "packages").glob("chiaro_*.deb")
    return package


def check_package(given, work):
    """The Debian package, unpacked anywhere, restores a picture, and says what it depends on."""
    package = built_package(given, work)
    assert package.stat().st_size < MAX_RESTORE_BYTES, package.stat().st_size
    said = call("dpkg-deb", "--field", package, "Description").decode()
    assert "train" not in said and len(said.splitlines()) > 1, said
    depends = call("dpkg-deb", "--field", package, "Depends").decode()
    for needed in ("libc6", "libvips", "libstdc++6"):
        assert needed in depends, depends
    root = work / "unpacked"
    call("dpkg-deb", "--extract", package, root)
    check_binary(root / "usr/bin/chiaro", [given.source])
    check_binary(root / "usr/lib/libchiaro.so.0", [given.source])
    photo = (given.source / "examples/photos/dogs_noisy.jpg").read_bytes()
    command = (root / "usr/bin/chiaro", "restore", "-", "-o", "-", "--format", "ppm", "--strength")
    assert pixels_of_ppm(call(*command, "1", input=photo))[2] != pixels_of_ppm(call(*command, "0", input=photo))[2]
    check_pages(root / "usr", "chiaro")
    documents = root / "usr/share/doc/chiaro"
    assert (documents / "copyright").is_file()
    said = (documents / "README.md").read_text()
    sent_to = set(re.findall(r"\b(?:docs|examples)/[\w./]*\w|\b[A-Z]+\.md\b", said))
    assert len(sent_to) > 15 and "docs/library.md" in sent_to, sent_to
    for named in sent_to:
        assert (documents / named).exists(), named


def check_fresh(given, work):
    """The package on a Debian that has nothing else: apt installs it, a picture is restored, the C example compiled."""
    root = work / "debian"
    release = re.search(r"^VERSION_CODENAME=(\w+)$", pathlib.Path("/etc/os-release").read_text(), re.MULTILINE)[1]
    call("env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "debootstrap", "--variant=minbase", release, root)
    package = built_package(given, work)
    shutil.copy(package, root / "root")
    photo = given.source / "examples/photos/dogs_noisy.jpg"
    shutil.copy(photo, root / "root")

    def inside(command, **more):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
        print("#", command, flush=True)
        answer = subprocess.run(["/usr/sbin/chroot", root, "sh", "-e", "-c", "cd /root; " + command], capture_output=True,
                                env=environment, **more)
        said = answer.stdout.decode(errors="replace") + answer.stderr.decode(errors="replace")
        assert answer.returncode == 0, said[-4000:]
        return answer.stdout

    call("mount", "-t", "proc", "proc", root / "proc")  # programs find what lies beside them by it
    try:
        inside(f"apt-get update && apt-get install -y --no-install-recommends ./{package.name}")
        assert b"noise" in inside("chiaro inspect dogs_noisy.jpg")
        inside("chiaro restore dogs_noisy.jpg -o clear.png")
        assert (root / "root/clear.png").stat().st_size > 10_000
        pixels = inside("chiaro restore dogs_noisy.jpg -o - --format ppm --strength 0")
        wanted = pixels_of_ppm(inside("chiaro restore dogs_noisy.jpg -o - --format ppm"))[2]
        assert wanted != pixels_of_ppm(pixels)[2]
        inside("apt-get install -y --no-install-recommends gcc libc6-dev pkg-config"
               " && cc -std=c99 /usr/share/doc/chiaro/examples/library_c/main.c -o by_hand $(pkg-config --cflags --libs chiaro)")
        assert pixels_of_ppm(inside("./by_hand", input=pixels))[:2] == pixels_of_ppm(pixels)[:2]
        inside("apt-get purge -y chiaro")
        assert not list(root.glob("usr/**/*chiaro*")), list(root.glob("usr/**/*chiaro*"))
    finally:
        subprocess.run(["umount", root / "proc"], check=True)


def check_train(source, tree, work):
    check_pages(tree, "chiaro-train")
    program = tree / "bin/chiaro-train"
    linked = check_binary(program, [source])
    assert f"{tree}/bin/../lib/chiaro/torch/lib/libtorch_cpu.so" in linked, linked
    assert re.search(rb"\d+\.\d+\.\d+", call(program, "--version"))
    project = work / "networks"
    project.mkdir()
    (project / "CMakeLists.txt").write_text(TRAIN_CMAKE)
    (project / "main.cpp").write_text(TRAIN_MAIN)
    consumer = build_consumer(project, work / "networks_build", tree)
    assert b"resunet" in call(consumer)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("component", choices=("restore", "train", "package", "fresh"))
    for name in ("--source", "--build", "--make-bundle"):
        arguments.add_argument(name, type=pathlib.Path, required=True)
    given = arguments.parse_args()
    if given.component in ("package", "fresh") and not shutil.which("dpkg-shlibdeps"):
        print("SKIPPED: no dpkg-shlibdeps here, without which a Debian package does not know what it depends on")
        sys.exit(SKIPPED)
    if given.component == "fresh" and (os.geteuid() != 0 or not pathlib.Path("/usr/sbin/debootstrap").exists()):
        print("SKIPPED: a fresh Debian is made by debootstrap, as root")
        sys.exit(SKIPPED)
    work = pathlib.Path(tempfile.mkdtemp(prefix="chiaro_install_"))
    try:
        if given.component == "package":
            return check_package(given, work)
        if given.component == "fresh":
            return check_fresh(given, work)
        components = ["restore"] if given.component == "restore" else ["restore", "train"]
        for component in components:
            call("cmake", "--install", given.build, "--prefix", work / "first", "--component", component)
        tree = work / "moved to a folder with blanks"
        (work / "first").rename(tree)
        if given.component == "restore":
            check_restore(given.source, tree, work, given.make_bundle)
        else:
            check_train(given.source, tree, work)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
