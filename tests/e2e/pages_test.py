"""The manual page and the completion say what --help says: pages_test.py PROGRAM"""

import re
import shutil
import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop()


def said(*words, given=None):
    answer = subprocess.run(words, input=given, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def flags(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def subcommands(text):
    listed = text.split("Subcommands:\n")[1]
    return re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE)


class Pages(unittest.TestCase):
    def completions(self, *words):
        """What bash offers for the last of these words."""
        line = " ".join(f"'{word}'" for word in words)
        script = (said(PROGRAM, "generate", "completion") +
                  f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _chiaro; echo \"${{COMPREPLY[@]}}\"\n")
        return said("bash", "--norc", "-s", given=script).split()

    def test_every_command_and_flag(self):
        page = re.sub(r"\\f[BIR]", "", said(PROGRAM, "generate", "manual")).replace("\\-", "-")
        commands = subcommands(said(PROGRAM, "--help"))
        self.assertIn("restore", commands)
        self.assertNotIn("generate", commands)
        for command in commands:
            self.assertIn(f"\n.SS {command}\n", page)
        for command in ("restore", "inspect", "eval", "degrade", "bench"):
            part = page.split(f"\n.SS {command}\n")[1].split("\n.SS ")[0]
            wanted = flags(said(PROGRAM, command, "--help"))
            self.assertGreater(len(wanted), 5)
            self.assertEqual(wanted - flags(part), set(), command)
            self.assertEqual(set(self.completions("chiaro", command, "--")), flags(part), command)

    def test_page_is_clean_roff(self):
        if shutil.which("groff") is None:
            self.skipTest("no groff here")
        page = said(PROGRAM, "generate", "manual")
        answer = subprocess.run(["groff", "-K", "utf8", "-man", "-Tutf8", "-ww", "-z"], input=page, capture_output=True,
                                text=True)
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))

    def test_completion(self):
        self.assertEqual(self.completions("chiaro", "mod"), ["models"])
        self.assertEqual(self.completions("chiaro", "models", "ver"), ["verify"])
        self.assertEqual(self.completions("chiaro", "restore", "in.png", "--stren"), ["--strength"])
        self.assertEqual(self.completions("chiaro", "models", "verify", "--al"), ["--all"])
        self.assertEqual(self.completions("chiaro", "restore", "in"), [])  # file names: left to bash


if __name__ == "__main__":
    unittest.main()
