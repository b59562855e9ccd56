"""A program started in a folder of strangers' files loads none of them as a library.

    planted_library_test.py PROGRAM…

Every library a program needs stands in its working directory under its own name and is rubbish; one that the loader
took from there would end the program with a message of the loader.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

for program in (Path(given).resolve() for given in sys.argv[1:]):
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    names = [line.split()[0] for line in listed.splitlines() if " => " in line]
    assert len(names) > 5, f"{program}: ldd lists {listed!r}"
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            (Path(folder) / name).write_bytes(b"not a library")
        done = subprocess.run([program, "--version"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{program}, started among planted libraries: {done.stderr.strip()}"
    print(f"{program}: {len(names)} planted libraries left alone")
