"""The manual page and the completion say what --help says: pages_test.py PROGRAM, chiaro or chiaro-train"""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop()
NAME = pathlib.Path(PROGRAM).name
# What is offered for the last of some words.
OFFERS = {
    "chiaro": {
        ("mod",): ["models"],
        ("models", "ver"): ["verify"],
        ("restore", "in.png", "--stren"): ["--strength"],
        ("models", "verify", "--al"): ["--all"],
        ("restore", "in"): []},  # file names: left to bash
    "chiaro-train": {
        ("fre",): ["freeze"],
        ("--verb",): ["--verbose"],
        ("train", "recipe.toml", "--prov"): ["--prove-resume"],
        ("freeze", "runs/mine", "--cert"): ["--certify"],
        ("study", "my"): []},
}[NAME]


def said(*words, given=None):
    answer = subprocess.run(words, input=given, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def flags(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def options(text):
    """The flags of the lines of --help that define options, not those in examples."""
    return flags("\n".join(re.findall(r"^  (-\S+)", text, re.MULTILINE)).replace(",", " "))


def subcommands(text):
    listed = text.partition("Subcommands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE)


class Pages(unittest.TestCase):
    def completions(self, *words):
        """What bash offers for the last of these words."""
        line = " ".join(f"'{word}'" for word in words)
        script = (said(PROGRAM, "generate", "completion") +
                  f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _{NAME.replace('-', '_')}; echo \"${{COMPREPLY[@]}}\"\n")
        return said("bash", "--norc", "-s", given=script).split()

    def test_every_command_and_flag(self):
        page = re.sub(r"\\f[BIR]", "", said(PROGRAM, "generate", "manual")).replace("\\-", "-")
        commands = subcommands(said(PROGRAM, "--help"))
        self.assertGreater(len(commands), 3)
        self.assertNotIn("generate", commands)
        self.assertTrue(page.startswith(f".TH {NAME.upper()} 1 "), page[:80])
        self.assertIn(f"\n.SH NAME\n{NAME} - ", page)
        self.assertIn("\n.SH EXIT STATUS\n.nf\nExit status: 0 done", page)
        # train, study and freeze of chiaro hand their words on to chiaro-train, which has a page of its own.
        handed_on = {"train", "study", "freeze"} if NAME == "chiaro" else set()
        for part in ("ENVIRONMENT\n.TP\n.B CHIARO_BUNDLE_PATH", "SEE ALSO"):
            self.assertIn(f"\n.SH {part}", page)
        for command in commands:
            self.assertIn(f"\n.SS {command}\n", page)
            if command not in handed_on:
                self.compare(page, command)
                for below in subcommands(said(PROGRAM, command, "--help")):
                    self.compare(page, command, below)

    def compare(self, page, *words):
        """The page's part and what bash offers have every flag of --help, and bash no other."""
        part = page.split(f"\n.SS {' '.join(words)}\n")[1].split("\n.SS ")[0]
        wanted = options(said(PROGRAM, *words, "--help"))
        self.assertIn("--help", wanted, words)
        self.assertEqual(wanted - flags(part) - {"--help"}, set(), words)
        self.assertEqual(set(self.completions(NAME, *words, "--")), wanted, words)

    def test_page_is_clean_roff(self):
        if shutil.which("groff") is None:
            self.skipTest("no groff here")
        page = said(PROGRAM, "generate", "manual")
        answer = subprocess.run(["groff", "-K", "utf8", "-man", "-Tutf8", "-ww", "-z"], input=page, capture_output=True,
                                text=True)
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))

    def test_completion(self):
        for words, offered in OFFERS.items():
            self.assertEqual(self.completions(NAME, *words), offered, words)
        self.assertIn(f"-F _{NAME.replace('-', '_')} {NAME}\n", said(PROGRAM, "generate", "completion"))


if __name__ == "__main__":
    unittest.main()
