#!/usr/bin/env python3
"""Checks that every C++ file is as `clang-format -i` leaves it.

usage: check_format.py [ROOT]      exit status 0: formatted; 7: not; 77: no clang-format 14 here, nothing was checked

Another major version formats differently, so only the one the project uses (Debian 12's) decides.
"""

import pathlib
import shutil
import subprocess
import sys

FOLDERS = ("apps", "bench", "chiaro", "examples", "tests")
VERSION = "14"


def formatter():
    for name in (f"clang-format-{VERSION}", "clang-format"):
        path = shutil.which(name)
        if path and f"version {VERSION}." in subprocess.run([path, "--version"], capture_output=True, text=True).stdout:
            return path
    return None


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    tool = formatter()
    if tool is None:
        print(f"check_format: no clang-format {VERSION}; skipped")
        return 77
    files = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*") if path.suffix in (".h", ".cpp"))
    if not files:
        return 0
    answer = subprocess.run([tool, "--dry-run", "--Werror", "-ferror-limit=1", *files], capture_output=True, text=True)
    if answer.returncode == 0:
        return 0
    wrong = sorted({line.split(":")[0] for line in answer.stderr.splitlines() if ": error: " in line})
    for path in wrong:
        print(path)
    print(f"check_format: {len(wrong)} file(s); run: clang-format -i FILE…")
    return 7


if __name__ == "__main__":
    sys.exit(main())
