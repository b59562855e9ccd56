#!/usr/bin/env python3
"""The pages of `chiaro report` and `chiaro try` in a real browser: wide, on a telephone, in the dark, moved and zoomed.

report_page_test.py CHIARO DAMAGED CLEAN [--shots FOLDER]. Ends with 77 where there is no Chromium.
"""
import pathlib
import shutil
import tempfile
import unittest

import browser
import page_checks

ARGUMENTS = None
LOOKS = [(width, height, dark) for width, height in ((1280, 900), (768, 1024), (500, 900), (375, 812), (320, 640)) for dark in (False, True)]
LONG = "a name that is long enough for two lines on a telephone"
UNBROKEN = "IMG_20240229_235959_" + "0123456789" * 6
SPLIT = "[...document.querySelectorAll('.compare-line')].map((e) => parseFloat(e.style.left) / e.parentElement.clientWidth)"
SHOWN = "[...document.querySelectorAll('.compare-after')].every((e) => e.naturalWidth > 0)"


def chiaro(*words):
    page_checks.run_chiaro(ARGUMENTS.chiaro, *words)


class ReportPages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory(prefix="chiaro_report_")
        cls.folder = pathlib.Path(cls.kept.name)
        restored = cls.folder / "restored.jpg"
        half = cls.folder / f"{LONG}.jpg"
        chiaro("restore", ARGUMENTS.damaged, "-o", restored)
        chiaro("restore", ARGUMENTS.damaged, "-o", half, "--strength", "0.5")
        chiaro("report", ARGUMENTS.damaged, half, restored, "--clean", ARGUMENTS.clean, "-o", cls.folder / "report.html")
        before, after = cls.folder / "before", cls.folder / "after"
        for folder in (before, after):
            (folder / "summer").mkdir(parents=True)
        for name in ("dogs", f"summer/{LONG}", UNBROKEN):
            shutil.copy(ARGUMENTS.damaged, before / f"{name}.jpg")
            shutil.copy(restored, after / f"{name}.jpg")
        chiaro("report", before, after, "-o", cls.folder / "folders.html")
        chiaro("try", ARGUMENTS.damaged, "-o", cls.folder / "try.html")
        (cls.folder / "clean").mkdir()
        shutil.copy(ARGUMENTS.clean, cls.folder / "clean")
        chiaro("eval", "--clean", cls.folder / "clean", "--name", "photos", "--degrade", "noise(sigma_u8=25)", "--metric", "psnr",
               "--metric", "ssim", "--report", cls.folder / "eval.html")
        cls.browser = browser.Browser(1280, 900)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.kept.cleanup()

    def open(self, name):
        self.browser.look(1280, 900, dark=False)
        self.browser.open((self.folder / name).as_uri())
        self.browser.until(SHOWN)

    def tearDown(self):
        self.assertEqual(self.browser.problems, [])
        for url in self.browser.requested:
            self.assertTrue(url.startswith((self.folder.as_uri(), "data:", "blob:")), url)

    def test_nothing_sticks_out_or_overlaps(self):
        for name in ("report.html", "folders.html", "try.html", "eval.html"):
            self.open(name)
            for width, height, dark in LOOKS:
                with self.subTest(page=name, width=width, dark=dark):
                    self.browser.look(width, height, dark, touch=width < 600)
                    self.assertEqual(page_checks.faults(self.browser), [])
                    # Each button can be hit with a finger.
                    heights = self.browser.value(
                        "[...document.querySelectorAll('button')].filter((e) => e.offsetParent).map((e) => e.offsetHeight)")
                    self.assertGreater(len(heights), 3)
                    self.assertGreaterEqual(min(heights), 24)
                    light = self.browser.value(
                        "getComputedStyle(document.documentElement).backgroundColor + getComputedStyle(document.body).backgroundColor")
                    self.assertNotEqual("255, 255, 255" in light, dark, light)
                    if ARGUMENTS.shots:
                        self.browser.picture(ARGUMENTS.shots / f"{name}_{width}_{'dark' if dark else 'light'}.png")

    def test_frames_move_together(self):
        self.open("report.html")
        page = self.browser
        self.assertEqual(len(page.value(SPLIT)), 3)
        x, y = page.centre(".compare-stage")
        page.drag((x, y), (x + 100, y))
        splits = page.value(SPLIT)
        self.assertGreater(splits[0], 0.55)
        self.assertLess(max(splits) - min(splits), 0.02)
        sizes = "[...document.querySelectorAll('.compare-after')].map((e) => e.getBoundingClientRect().width)"
        whole = page.value(sizes)
        page.click("[data-do=in]")
        zoomed = page.value(sizes)
        for before, after in zip(whole, zoomed):
            self.assertGreater(after, before * 1.2)
        page.click("[data-do=difference]")
        self.assertEqual(page.value("document.querySelector('[data-do=difference]').getAttribute('aria-pressed')"), "true")

    def test_sets_of_folders_move_by_themselves(self):
        self.open("folders.html")
        page = self.browser
        self.assertEqual(page.value("[...document.querySelectorAll('h2')].map((e) => e.textContent)"),
                         [UNBROKEN, "dogs", f"summer/{LONG}"])
        x, y = page.centre(".compare-stage")
        page.drag((x, y), (x + 100, y))
        splits = page.value(SPLIT)
        self.assertGreater(splits[0], 0.55)
        self.assertAlmostEqual(splits[1], 0.5, places=2)

    def test_keys_zoom_and_move_the_border(self):
        self.open("try.html")
        page = self.browser
        width = "document.querySelector('.compare-after').getBoundingClientRect().width"
        page.value("document.querySelector('.compare-stage').focus()")
        before = page.value(width)
        page.key("+", 187, "+")
        self.assertGreater(page.value(width), before * 1.2)
        page.value("document.querySelector('.compare-slide input').focus()")
        before = page.value(SPLIT)[0]
        for _ in range(3):
            page.key("ArrowRight", 39)
        self.assertGreater(page.value(SPLIT)[0], before)


def take(arguments):
    global ARGUMENTS
    ARGUMENTS = arguments


if __name__ == "__main__":
    page_checks.main(take)
