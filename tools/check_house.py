#!/usr/bin/env python3
"""Checks the house rules that neither compiler nor formatter knows (HACKING.md, "House rules").

usage: check_house.py [ROOT]      exit status 0: kept; 7: broken, one line for each place
"""

import pathlib
import re
import sys

FOLDERS = ("apps", "bench", "chiaro", "examples", "tests", "tools")
SUFFIXES = (".h", ".cpp", ".def", ".py", ".sh", ".cmake")
MAX_LINES = 600
AVOIDED = {"model": "say network, method or bundle", "common": "name the thing", "utils": "name the thing",
           "util": "name the thing", "misc": "name the thing", "helper": "name the thing",
           "helpers": "name the thing", "manager": "name the thing"}
ALLOWED = {"OnnxModel", "model_field"}  # the ONNX format's own word

# Comments and literals are blanked out before the rules for code are applied; line numbers stay.
COMMENT_OR_LITERAL = re.compile(r'//[^\n]*|/\*.*?\*/|R"\(.*?\)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
DECLARED = re.compile(r"\b(?:class|struct|union|enum(?:\s+class)?|namespace|concept)\s+([A-Za-z_][\w:]*)")

LIBRARY_RULES = [  # for chiaro/ alone
    (re.compile(r"(?<![\w.>])(?:std::)?(?:exit|_exit|_Exit|quick_exit|abort|terminate)\s*\("),
     "ends the process; throw chiaro::Error, main decides"),
    (re.compile(r"\bstd::cout\b|(?<![\w:])(?:std::)?(?:printf|puts|putchar)\s*\("),
     "prints; results are returned, messages go through the log"),
    (re.compile(r"\bstd::(?:mt19937(?:_64)?|random_device|default_random_engine|rand|srand)\b|(?<![\w:.])s?rand\s*\("),
     "draws random numbers; take a chiaro::Rng"),
]


def words(identifier):
    """The words of snake_case, PascalCase and kPascalCase, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", identifier)]


def blanked(text):
    return COMMENT_OR_LITERAL.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def faults_of_test(path, code):
    """Files of tests are compiled together: names of one must not meet those of another."""
    opened = re.findall(r"^namespace\s+([\w:]+)\s*\{", code, re.MULTILINE)
    if not any(name.endswith(f"::{path.stem}") for name in opened):
        yield f"{path}: opens no namespace of its own; expected one that ends with ::{path.stem}"


def faults_of_file(path, text):
    lines = text.count("\n") + (not text.endswith("\n"))
    if lines > MAX_LINES:
        yield f"{path}: {lines} lines; a file has at most {MAX_LINES}"
    for found in re.finditer(r"\b(?:TODO|FIXME|XXX|HACK)\b", text):
        if path.name != "check_house.py":
            yield f"{path}:{line_of(text, found.start())}: a note to do something later ({found[0]})"
    for word in words(path.stem):
        if word in AVOIDED:
            yield f"{path}: the file name has the word '{word}'; {AVOIDED[word]}"
    if path.suffix not in (".h", ".cpp"):
        return
    if path.suffix == ".h" and "#pragma once" not in text:
        yield f"{path}: has no #pragma once"
    code = blanked(text)
    for found in DECLARED.finditer(code):
        for word in words(found[1]):
            if word in AVOIDED and found[1] not in ALLOWED:
                yield f"{path}:{line_of(code, found.start())}: '{found[1]}' has the word '{word}'; {AVOIDED[word]}"
    if path.parts[0] == "tests" and path.stem.endswith("_test") and path.suffix == ".cpp":
        yield from faults_of_test(path, code)
    if path.parts[0] != "chiaro":
        return
    for rule, why in LIBRARY_RULES:
        for found in rule.finditer(code):
            yield f"{path}:{line_of(code, found.start())}: '{found[0].strip(' (')}' {why}"
    room = path.parts[1]
    own = "chiaro" if room == "base" else f"chiaro::{room}"
    for found in re.finditer(r"^namespace\s+([\w:]+)\s*\{", code, re.MULTILINE):
        inner = found[1].removesuffix("::detail")
        if inner != own and inner.startswith("chiaro"):
            yield f"{path}:{line_of(code, found.start())}: opens {found[1]}; this room is {own}"


def faults(root):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and "__pycache__" not in path.parts:
                yield from faults_of_file(path.relative_to(root), path.read_text(encoding="utf-8"))


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    found = list(faults(root))
    for fault in found:
        print(fault)
    if found:
        print(f"check_house: {len(found)} place(s) against the house rules")
    return 7 if found else 0


if __name__ == "__main__":
    sys.exit(main())
