#!/usr/bin/env python3
"""Whether the content code of a bundle finds a picture again under real damage.

    python3 tools/retrieval_on_real.py CHIARO BUNDLE DATA

DATA holds pairs of real damage and its clean side, as listed in PAIRS. Every damaged picture is a query; what is searched are
the clean sides of all sets together. Printed: how many find their own first, and among the first five, in whole pictures as
they are.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

# name, damaged, clean, what of a damaged file's stem names its clean side
PAIRS = [
    ("low light, LOL", "lowlight_lol/low", "lowlight_lol/high", lambda stem: stem),
    ("low light, SICE", "lowlight_sice/low", "lowlight_sice/normal", lambda stem: stem),
    ("haze, rooms", "haze_sots/hazy", "haze_sots/gt", lambda stem: stem.split("_")[0]),
    ("rain", "rain_sirr/input", "rain_sirr/target", lambda stem: stem),
    ("noise, SIDD", "realnoise_sidd/noisy", "realnoise_sidd/gt", lambda stem: stem),
]


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    program, bundle, data = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    with tempfile.TemporaryDirectory() as name:
        searched = pathlib.Path(name)
        for at, (_, _, clean, _) in enumerate(PAIRS):
            shutil.copytree(data / clean, searched / str(at))
        total = sum(1 for path in searched.rglob("*") if path.is_file())
        print(f"searched: {total} pictures; chance of the first: {1 / total:.3f}")
        print("| pairs | queries | own picture first | among five |\n| --- | --- | --- | --- |")
        for at, (title, damaged, _, stem_of) in enumerate(PAIRS):
            queries = sorted(path for path in (data / damaged).iterdir() if path.is_file())
            command = [program, "retrieve", "--in", name, "--by", "content", "--bundle", bundle, "--top", "5", "--json",
                       "--index", str(searched.with_suffix(".index"))]
            answer = subprocess.run(command + [str(query) for query in queries], capture_output=True, text=True)
            if answer.returncode != 0:
                print(answer.stderr, file=sys.stderr)
                return 1
            ranks = {}
            for event in map(json.loads, answer.stdout.splitlines()):
                if event["event"] != "found":
                    continue
                found = pathlib.Path(event["file"])
                own = stem_of(pathlib.Path(event["query"]).stem)
                if found.parent.name == str(at) and found.stem == own:
                    ranks[event["query"]] = event["rank"]
            first = sum(1 for rank in ranks.values() if rank == 1)
            print(f"| {title} | {len(queries)} | {first / len(queries):.2f} | {len(ranks) / len(queries):.2f} |")
        searched.with_suffix(".index").unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
