"""Every command line in README and docs is one that the program takes.

    documented_commands_test.py SOURCE PROGRAM [TRAINING_PROGRAM]

Each is looked up in --help and then given to the program in an empty folder. There it does not find its pictures, but
has to understand the words: status 2 is a wrong command line, 70 a fault of the program. In running text a command may
be named without all that it needs.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(sys.argv[1])
PROGRAMS = {"chiaro": pathlib.Path(sys.argv[2]).resolve()}
if len(sys.argv) > 3:
    PROGRAMS["chiaro-train"] = pathlib.Path(sys.argv[3]).resolve()
TEXTS = [SOURCE / "README.md", SOURCE / "HACKING.md", SOURCE / "CONTRIBUTING.md", *sorted((SOURCE / "docs").rglob("*.md")),
         *sorted((SOURCE / "models").glob("*.md"))]
TRAINING = ("train", "study", "freeze")  # of chiaro: handed on to chiaro-train
STARTED = ("bench", "serve")  # would go on working
LACKING = re.compile(r"is required: |which picture\? |required TEXT missing|name a recipe|needs exactly one of")
STANDS_FOR = {"ARGS…", "…", "COMMAND", "NAME"}  # words in the place of any others
OTHERS = re.compile(  # flags of other programs that the texts name
    r"--(preset|build|install|prefix|component|benchmark_filter|gtest_filter|pictures|rounds|require-aims|data-binary|config)\b")


def without_code(text):
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)


def code_blocks(text, language):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, flags=re.DOTALL | re.MULTILINE)


def inline_code(text):
    """What stands between backticks, also over the end of a line, and in tables with \\| for |."""
    return [re.sub(r"\s+", " ", code).replace("\\|", "|") for code in re.findall(r"`([^`]+)`", without_code(text))]


def simple_commands(line):
    """The commands of a line of the shell, without what they redirect."""
    words = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    words.whitespace_split = True
    words.commenters = "#"
    command = []
    skip = False
    for word in words:
        if re.fullmatch(r"[<>]+", word):
            skip = True
        elif re.fullmatch(r"[|&;()]+", word):
            yield command
            command = []
        elif skip:
            skip = False
        else:
            command.append(word)
    yield command


def chiaro_words(command):
    """The words behind the program's name, or None where it is another program."""
    while command and (re.fullmatch(r"[A-Z_]+=.*", command[0]) or command[0] == "do"):
        command = command[1:]
    if not command:
        return None
    name = pathlib.PurePath(command[0]).name
    if command[0] == "chiaro" or command[0] == "./run":
        return command[1:]
    return command[1:] if name == "chiaro-train" else None


def documented():
    """(text, words, whether they stand in running text) of every command line."""
    for path in TEXTS:
        text = path.read_text()
        lines = [(line, False) for block in code_blocks(text, "sh") for line in block.replace("\\\n", " ").splitlines()]
        lines += [(code, True) for code in inline_code(text)
                  if re.search(r"(^|[|] |\w=\S+ )(chiaro|\./run|\S*chiaro-train) ", code)]
        for line, inline in lines:
            for command in simple_commands(line):
                words = chiaro_words(command)
                if words:
                    yield str(path.relative_to(SOURCE)), words, inline


def run(program, *words, folder=None):
    return subprocess.run([program, *words], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          env=os.environ | {"CHIARO_CACHE": "off"})


def flags_of(text):
    listed = "\n".join(re.findall(r"^ +(-\S+)", text, re.MULTILINE)).replace(",", " ")
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", listed))


def subcommands_of(text):
    listed = text.partition("Subcommands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE)


class Help:
    """What --help of a program says of a command, once."""

    def __init__(self):
        self.known = {}

    def of(self, name, *words):
        if (name, words) not in self.known:
            answer = run(PROGRAMS[name], *words, "--help")
            assert answer.returncode == 0, (name, words, answer.stderr)
            self.known[name, words] = answer.stdout
        return self.known[name, words]


HELP = Help()


def program_of(words):
    """The program that takes these words; None where it was not built."""
    name = "chiaro-train" if words[0] in TRAINING else "chiaro"
    return name if name in PROGRAMS else None


class Documented(unittest.TestCase):
    def commands(self):
        seen = set()
        for text, words, inline in documented():
            if program_of(words) and (*words, inline) not in seen:
                seen.add((*words, inline))
                yield text, words, inline

    def test_commands_and_flags_are_there(self):
        count = 0
        for text, words, _ in self.commands():
            count += 1
            with self.subTest(text=text, line=shlex.join(words)):
                name = program_of(words)
                if words[0] in STANDS_FOR or words[0].startswith("-"):
                    self.assertLessEqual(set(words) - STANDS_FOR, flags_of(HELP.of(name)))
                    continue
                self.assertIn(words[0], subcommands_of(HELP.of(name)))
                path = [words[0]]
                below = subcommands_of(HELP.of(name, *path))
                if below:
                    self.assertIn(words[1], below)
                    path.append(words[1])
                used = {word.partition("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)}
                self.assertEqual(used - flags_of(HELP.of(name, *path)), set())
        self.assertGreater(count, 60 if len(PROGRAMS) > 1 else 40)

    def test_flags_in_the_text_are_there(self):
        every = set()
        for name in PROGRAMS:
            every |= flags_of(HELP.of(name))
            for command in subcommands_of(HELP.of(name)):
                if name == "chiaro" and command in TRAINING:
                    continue
                every |= flags_of(HELP.of(name, command))
                for below in subcommands_of(HELP.of(name, command)):
                    every |= flags_of(HELP.of(name, command, below))
        count = 0
        for path in TEXTS:
            for code in inline_code(path.read_text()):
                if not code.startswith("--") or OTHERS.match(code) or len(PROGRAMS) == 1:
                    continue
                count += 1
                with self.subTest(text=str(path.relative_to(SOURCE)), code=code):
                    self.assertIn(re.match(r"--[\w-]+", code)[0], every)
        if len(PROGRAMS) > 1:
            self.assertGreater(count, 100)

    def test_files_of_the_repository_are_there(self):
        for text, words, _ in documented():
            for word in words:
                if re.match(r"(recipes|examples|models|docs|tools)/", word) and not re.search(r"[*…]|NAME|mine", word):
                    with self.subTest(text=text, word=word):
                        self.assertTrue((SOURCE / word).exists())

    def test_the_program_understands_them(self):
        whole = 0
        for text, words, inline in self.commands():
            if words[0] in STARTED or STANDS_FOR & set(words) or words[0].startswith("-"):
                continue
            with self.subTest(text=text, line=shlex.join(words)), tempfile.TemporaryDirectory() as folder:
                answer = run(PROGRAMS[program_of(words)], *words, folder=folder)
                if inline and answer.returncode == 2 and LACKING.search(answer.stderr):
                    continue
                self.assertNotIn(answer.returncode, (2, 70), answer.stderr)
                whole += 1
        self.assertGreater(whole, 60 if len(PROGRAMS) > 1 else 30)



if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
