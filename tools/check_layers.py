#!/usr/bin/env python3
"""Compares who includes whom with the tables of docs/architecture.md.

usage: check_layers.py [ROOT]      exit status 0: as the tables say; 7: not; 1: no tables

Looks at every .h and .cpp below chiaro/ and apps/, and in each room's CMakeLists.txt at DEPS and at what is linked by
hand.
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


def linked_rooms(text, rules):
    """Rooms that a CMakeLists.txt names: behind DEPS, and as targets in its target_link_libraries."""
    text = re.sub(r"#.*", "", text)
    names = []
    for deps in re.findall(r"\bDEPS\s+([a-z_\s]+?)(?:\s+[A-Z_]{2,}|\))", text):
        names += deps.split()
    for arguments in re.findall(r"\btarget_link_libraries\(\s*\S+([^)]*)\)", text):
        for target in re.findall(r"\bchiaro(?:::|_)([a-z_]+)", arguments):
            names += [room for room in (target, f"apps/{target}") if room in rules.allowed]
    return names


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
    for path in sorted(root.glob("chiaro/*/CMakeLists.txt")) + sorted(root.glob("apps/*/CMakeLists.txt")):
        room = room_of(path.relative_to(root))
        allowed = [part if part.startswith("apps/") else part.split("/")[0] for part in rules.allowed.get(room, [])]
        for other in linked_rooms(path.read_text(encoding="utf-8"), rules):
            if other != room and other not in allowed and "all" not in allowed:
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
