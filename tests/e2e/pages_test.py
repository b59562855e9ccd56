"""The manual page and the completion say what --help says: pages_test.py PROGRAM, chiaro or chiaro-train"""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop()
NAME = pathlib.Path(PROGRAM).name
# Commands whose flags are compared, and what is offered for the last of some words.
COMMANDS, OFFERS = {
    "chiaro": (("restore", "inspect", "eval", "degrade", "bench"), {
        ("mod",): ["models"],
        ("models", "ver"): ["verify"],
        ("restore", "in.png", "--stren"): ["--strength"],
        ("models", "verify", "--al"): ["--all"],
        ("restore", "in"): []}),  # file names: left to bash
    "chiaro-train": (("train", "study", "freeze"), {
        ("fre",): ["freeze"],
        ("--verb",): ["--verbose"],
        ("train", "recipe.toml", "--prov"): ["--prove-resume"],
        ("freeze", "runs/mine", "--cert"): ["--certify"],
        ("study", "my"): []}),
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
    listed = text.split("Subcommands:\n")[1]
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
        self.assertLessEqual(set(COMMANDS), set(commands))
        self.assertNotIn("generate", commands)
        self.assertTrue(page.startswith(f".TH {NAME.upper()} 1 "), page[:80])
        self.assertIn(f"\n.SH NAME\n{NAME} - ", page)
        self.assertIn("\n.SH EXIT STATUS\n.nf\nExit status: 0 done", page)
        for command in commands:
            self.assertIn(f"\n.SS {command}\n", page)
        for command in COMMANDS:
            part = page.split(f"\n.SS {command}\n")[1].split("\n.SS ")[0]
            wanted = options(said(PROGRAM, command, "--help"))
            self.assertGreater(len(wanted), 4)
            self.assertEqual(wanted - flags(part), set(), command)
            self.assertEqual(set(self.completions(NAME, command, "--")), wanted, command)

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
