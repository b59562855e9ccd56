#!/usr/bin/env python3
"""Compares who includes whom with the tables of docs/architecture.md.

usage: check_layers.py [ROOT]      exit status 0: as the tables say; 7: not; 1: no tables

Looks at every .h and .cpp below chiaro/ and apps/ and at the DEPS of each room's CMakeLists.txt.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def table(text, name):
    """Rows of the Markdown table between the comments `name: begin` and `name: end`, as lists of cells."""
    found = re.search(rf"<!-- {name}: begin -->(.*?)<!-- {name}: end -->", text, re.DOTALL)
    if found is None:
        sys.exit(f"check_layers: docs/architecture.md has no table '{name}'")
    rows = [line.strip().strip("|").split("|") for line in found[1].strip().splitlines()]
    return [[cell.strip().replace("`", "") for cell in row] for row in rows[2:]]


class Rules:
    def __init__(self, text):
        self.allowed, self.wing = {}, {}
        for room, may_include, wing, _ in table(text, "layers"):
            self.allowed[room] = [] if may_include == "–" else [part.strip() for part in may_include.split(",")]
            self.wing[room] = wing
        for room, allowed in self.allowed.items():
            for part in allowed:
                if part != "all" and part not in self.allowed and part.split("/")[0] not in self.allowed:
                    sys.exit(f"check_layers: the row of '{room}' names '{part}', which is no room")
        self.outside = []
        for headers, only_in, _ in table(text, "outside"):
            rooms = [] if only_in == "–" else [part.strip() for part in only_in.split(",")]
            self.outside += [(header, rooms) for header in headers.split()]

    def inside_fault(self, room, header):
        """What is wrong with `room` including `chiaro/<other>/<name>`, or None."""
        other = header.split("/")[1]
        if other not in self.allowed:
            return f"includes {header}, but there is no room '{other}'"
        allowed = self.allowed[room]
        if other == room or "all" in allowed or other in allowed or header.removeprefix("chiaro/") in allowed:
            return None
        return f"includes {header}; {room} may include only: {', '.join(allowed) or 'nothing'}"

    def outside_fault(self, room, header):
        # The longest matching prefix decides: torch/torch.h before torch/.
        matching = [entry for entry in self.outside if header == entry[0] or
                    (entry[0].endswith("/") and header.startswith(entry[0]))]
        if not matching:
            return None
        _, rooms = max(matching, key=lambda entry: len(entry[0]))
        if room in rooms or self.wing[room] in rooms:
            return None
        return f"includes <{header}>, which belongs to: {', '.join(rooms) or 'no room'}"


def room_of(path):
    parts = path.parts
    return parts[1] if parts[0] == "chiaro" else "/".join(parts[:2])


def faults(root):
    rules = Rules((root / "docs/architecture.md").read_text(encoding="utf-8"))
    sources = sorted(path.relative_to(root) for top in ("chiaro", "apps") for path in (root / top).rglob("*")
                     if path.suffix in (".h", ".cpp"))
    for path in sources:
        room = room_of(path)
        if room not in rules.allowed:
            yield f"{path}: the room '{room}' is not in the table"
            continue
        for header in INCLUDE.findall((root / path).read_text(encoding="utf-8")):
            if header.startswith("chiaro/"):
                fault = rules.inside_fault(room, header)
            elif header.startswith("apps/"):
                other = room_of(pathlib.Path(header))
                known = other == room or other in rules.allowed[room]
                fault = None if known else f"includes {header} of another program"
            else:
                fault = rules.outside_fault(room, header)
            if fault:
                yield f"{path}: {fault}"
    for path in sorted(root.glob("chiaro/*/CMakeLists.txt")):
        room = path.parent.name
        found = re.search(r"\bDEPS\s+([a-z_\s]+?)(?:\s+[A-Z_]{2,}|\))", path.read_text(encoding="utf-8"))
        for other in (found[1].split() if found else []):
            allowed = [part.split("/")[0] for part in rules.allowed.get(room, [])]
            if other not in allowed:
                yield f"{path.relative_to(root)}: links {other}; {room} may include only: {', '.join(allowed)}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    found = list(faults(root))
    for fault in found:
        print(fault)
    if found:
        print(f"check_layers: {len(found)} include(s) against the table in docs/architecture.md")
    return 7 if found else 0


if __name__ == "__main__":
    sys.exit(main())
