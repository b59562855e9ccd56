#!/usr/bin/env python3
"""The page of `chiaro serve` in a real browser: drop, look, compare, download, cancel, by keyboard, on a telephone.

page_test.py CHIARO PHOTO... [--shots FOLDER]. Ends with 77 where there is no Chromium.
"""
import argparse
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

import browser
import page_checks

ARGUMENTS = None


SPLIT = "parseFloat(document.querySelector('.compare-line').style.left) / document.querySelector('.compare-stage').clientWidth"
SCALE = "frame.scale"
DONE = "[...document.querySelectorAll('.says')].filter((e) => /restored|left as|held back/.test(e.textContent)).length"


def tiff_of_pages(count, side=16):
    """Grey pages of 8 bits: a folder of nine tags (TIFF 6.0, section 4), then its pixels."""
    file = b"II*\0" + struct.pack("<I", 8)
    for page in range(count):
        end = len(file) + 2 + 9 * 12 + 4
        tags = [(256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, end), (277, 3, 1),
                (278, 4, side), (279, 4, side * side)]
        file += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
        file += struct.pack("<I", end + side * side if page + 1 < count else 0) + bytes(side * side)
    return file


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = page_checks.Server(ARGUMENTS.chiaro)
        cls.browser = browser.Browser(1280, 900)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.server.stop()

    def setUp(self):
        self.browser.look(1280, 900, dark=False)
        self.browser.open(self.server.url)
        self.browser.until("facts !== null")

    def tearDown(self):
        self.assertEqual(self.browser.problems, [])
        for url in self.browser.requested:
            self.assertTrue(url.startswith((self.server.url, "blob:" + self.server.url, "data:")), url)
        for file in self.browser.downloads.iterdir():
            file.unlink()

    def shot(self, name):
        if ARGUMENTS.shots:
            for dark in (False, True):
                for width, height in ((1280, 900), (375, 812)):
                    self.browser.look(width, height, dark, touch=width < 600)
                    self.browser.value("new Promise((done) => setTimeout(done, 300))")
                    self.browser.picture(ARGUMENTS.shots / f"{name}_{width}_{'dark' if dark else 'light'}.png")
            self.browser.look(1280, 900, dark=False)

    def no_overflow(self):
        self.assertLessEqual(*self.browser.value(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"))

    def restored(self, photos):
        self.browser.drop("#drop", photos)
        self.browser.until(f"{DONE} === {len(photos)}", 180)
        self.browser.until("document.querySelector('.compare-after')?.naturalWidth > 0")

    def test_drop_compare_download(self):
        self.shot("empty")
        self.restored(ARGUMENTS.photos[:2])
        page = self.browser
        self.assertRegex(page.value("document.querySelector('.found').textContent"), r"\(\d+ %\)")
        # The border follows the mouse.
        x, y = page.centre(".compare-stage")
        self.assertAlmostEqual(page.value(SPLIT), 0.5, delta=0.02)
        page.drag((x, y), (x + 200, y))
        self.assertGreater(page.value(SPLIT), 0.6)
        self.assertIn("px)", page.value("document.querySelector('.compare-after').style.clipPath"))
        # Zoomed, the mouse moves the picture, and the place under the wheel stays.
        whole = page.value(SCALE)
        page.click("[data-do=in]")
        page.click("[data-do=in]")
        self.assertGreater(page.value(SCALE), whole * 2)
        before = page.value("frame.view.x")
        page.drag((x - 200, y), (x - 120, y))
        self.assertLess(page.value("frame.view.x"), before)
        self.shot("compared")
        page.click("[data-do=difference]")
        self.assertEqual(page.value("document.querySelector('[data-do=difference]').getAttribute('aria-pressed')"), "true")
        self.shot("difference")
        page.click("[data-do=difference]")
        page.click("[data-do=fit]")
        self.assertAlmostEqual(page.value(SCALE), whole, delta=1e-6)
        # One picture, then all of them.
        page.click(".photos li:first-child .acts a")
        saved = page.downloaded()
        stem = ARGUMENTS.photos[0].stem
        self.assertEqual(saved.name, f"{stem}_chiaro{ARGUMENTS.photos[0].suffix}")
        self.assertEqual(saved.read_bytes()[:2], b"\xff\xd8")
        single = saved.read_bytes()
        saved.unlink()
        page.click("#save-all")
        with zipfile.ZipFile(page.downloaded()) as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual(len(archive.namelist()), 2)
            self.assertEqual(archive.read(archive.namelist()[0]), single)

    def test_strength_and_form(self):
        page = self.browser
        page.value("$('strength').value = 0; $('strength').dispatchEvent(new Event('input')); $('format').value = 'png'")
        self.restored(ARGUMENTS.photos[:1])
        page.click(".acts a")
        self.assertTrue(page.downloaded().name.endswith("_chiaro.png"))
        same = """(async () => { const pixels = (image) => { const c = new OffscreenCanvas(64, 64).getContext("2d");
            c.drawImage(image, 0, 0); return c.getImageData(0, 0, 64, 64).data; };
            const [a, b] = [".compare-before", ".compare-after"].map((s) => pixels(document.querySelector(s)));
            return Math.max(...a.map((v, i) => Math.abs(v - b[i]))); })()"""
        self.assertLessEqual(page.value(same), 2)  # two decoders of JPEG
        old = page.value("document.querySelector('.compare-after').src")
        page.value("$('strength').value = 100; $('careful').click()")
        page.click(".acts button:nth-of-type(2)")
        page.until("photos[0].busy")
        page.until("!photos[0].busy", 120)
        page.until(f"((after) => after.src !== '{old}' && after.complete)(document.querySelector('.compare-after'))")
        self.assertGreater(page.value(same), 2)

    def test_it_is_told_what_is_wrong(self):
        page = self.browser
        self.assertIn("low_light", page.value("[...$('kind').options].map((one) => one.value)"))
        self.assertTrue(page.value("document.querySelector('.how-much').hidden"))
        page.value("""for (const [name, value, event] of [["kind", "low_light", "change"], ["severity", 40, "input"],
            ["grain", 50, "input"]]) { $(name).value = value; $(name).dispatchEvent(new Event(event)); }""")
        self.assertFalse(page.value("document.querySelector('.how-much').hidden"))
        self.assertEqual(page.value("[$('severity-value').textContent, $('grain-value').textContent]"), ["40 %", "50 %"])
        page.value("((before) => { window.fetch = (...a) => { (window.sent ??= []).push(String(a[0])); return before(...a); }; })(window.fetch)")
        self.restored(ARGUMENTS.photos[:1])
        sent = [one for one in page.value("window.sent") if "restore?" in one]
        self.assertIn("as=low_light%280.4%29", sent[0])
        self.assertIn("keep_grain=0.5", sent[0])
        self.assertIn("as told: darkness 40 %", page.value("document.querySelector('.says').textContent"))
        self.no_overflow()
        self.shot("told")

    def test_it_looks_at_the_result_once_more(self):
        page = self.browser
        page.value("$('grain').value = 50; $('grain').dispatchEvent(new Event('input'))")
        self.assertTrue(page.value("$('second').disabled"))
        page.value("$('grain').value = 0; $('grain').dispatchEvent(new Event('input')); $('second').click()")
        self.assertFalse(page.value("$('second').disabled"))
        clean = pathlib.Path(__file__).resolve().parents[2] / "examples/photos/clean/mountains.jpg"
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "hazy.png"
            subprocess.run([ARGUMENTS.chiaro, "degrade", clean, "-o", file, "--quiet", "--spec",
                            "haze(beta=1.6,airlight=0.9)+noise(sigma_u8=15)"], check=True)
            self.restored([file])
        self.assertIn("restored, then haze that showed", page.value("document.querySelector('.says').textContent"))
        self.no_overflow()
        self.shot("once_more")

    def test_pages_that_are_not_in_the_result(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "scan.tif"
            file.write_bytes(tiff_of_pages(3))
            self.browser.drop("#drop", [file])
            self.browser.until(f"{DONE} === 1", 180)
        self.assertIn("the first of 3 pages", self.browser.value("document.querySelector('.says').textContent"))

    def test_format_that_browsers_do_not_show(self):
        self.restored(ARGUMENTS.photos[:1])
        page = self.browser
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "scan.tif"
            file.write_bytes(tiff_of_pages(1, side=64))
            page.drop("#drop", [file])
            page.until(f"{DONE} === 2", 60)
            self.assertNotEqual(page.value("document.querySelector('.compare-after').naturalWidth"), 64)
            page.click(".photos li:last-child .acts button")
            page.until("document.querySelector('.compare-after')?.naturalWidth === 64", 30)
            self.assertEqual(page.value("document.querySelector('.compare-before').naturalWidth"), 64)
            self.assertEqual(page.value("document.querySelector('#view-title').textContent"), "scan.tif")
            page.until("document.querySelector('#note').textContent.includes('PNG copies')")
            self.shot("tiff")
            # While nothing can be shown, nothing is, and not what was there before.
            page.value("void (copies = async () => { throw new Failure('no'); })")
            page.click(".photos li:first-child .acts button")
            page.until("document.querySelector('.compare-after')?.naturalWidth > 64")
            page.click(".photos li:last-child .acts button")
            page.until("document.querySelector('#note').textContent.includes('can be downloaded')")
            self.assertEqual(page.value("document.querySelectorAll('.compare-pictures img').length"), 0)

    def test_keyboard(self):
        page = self.browser
        self.restored(ARGUMENTS.photos[:1])
        page.value("document.querySelector('.compare-stage').focus()")
        whole = page.value(SCALE)
        page.key("+", 187, "+")
        self.assertGreater(page.value(SCALE), whole * 1.4)
        before = page.value("frame.view.y")
        page.key("ArrowDown", 40)
        self.assertGreater(page.value("frame.view.y"), before)
        page.key("0", 48, "0")
        self.assertAlmostEqual(page.value(SCALE), whole, delta=1e-6)
        page.value("document.querySelector('.compare-slide input').focus()")
        page.key("ArrowRight", 39)
        self.assertGreater(page.value(SPLIT), 0.5)

    def test_focus_stays_where_the_buttons_were(self):
        page = self.browser
        focused = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.id"
        self.restored(ARGUMENTS.photos[:1])
        name = ARGUMENTS.photos[0].name
        page.value("document.querySelectorAll('.acts button')[1].focus()")
        page.key("Enter", 13, "\r")
        page.until("photos[0].busy")
        self.assertEqual(page.value(focused), f"Cancel {name}")
        page.until("!photos[0].busy", 120)
        self.assertEqual(page.value(focused), f"Compare {name}")
        page.key("Enter", 13, "\r")
        page.until("document.activeElement === frame.stage")
        page.value("document.querySelector('.acts button:last-child').focus()")
        page.key("Enter", 13, "\r")
        self.assertEqual(page.value("[photos.length, $('view-title').textContent, $('note').textContent]"),
                         [0, "Before and after", ""])
        self.assertEqual(page.value(focused), "files")

    def test_drawn_picture_is_called_so(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "drawn.ppm"
            row = bytes([200, 30, 30]) * 60 + bytes([255, 255, 255]) * 60
            file.write_bytes(b"P6 120 120 255\n" + row * 60 + row[::-1] * 60)
            self.browser.drop("#drop", [file])
            self.browser.until(f"{DONE} === 1", 180)
        self.assertIn("drawn, not photographed", self.browser.value("document.querySelector('.says').textContent"))

    def test_telephone(self):
        page = self.browser
        page.look(375, 812, dark=False, touch=True)
        self.no_overflow()
        self.restored(ARGUMENTS.photos[:1])
        self.no_overflow()
        small = page.value("""[...document.querySelectorAll("button, .button, select, input[type=range]")]
            .filter((e) => e.offsetParent && e.getBoundingClientRect().height < 32).map((e) => e.outerHTML)""")
        self.assertEqual(small, [])

    def test_bad_picture_among_good_ones(self):
        page = self.browser
        with tempfile.TemporaryDirectory() as folder:
            bad = pathlib.Path(folder) / "letter.jpg"
            bad.write_text("this is a letter")
            page.drop("#drop", [bad, ARGUMENTS.photos[0]])
            page.until("photos.length === 2 && photos.every((one) => !one.busy)", 120)
        self.assertEqual(page.value("document.querySelectorAll('.says.bad').length"), 1)
        self.assertIn("no picture", page.value("document.querySelector('.says.bad').textContent"))
        self.assertEqual(page.value(DONE), 1)
        self.shot("bad")
        page.problems.clear()  # the browser itself notes answers of 415

    def test_cancel(self):
        page = self.browser
        page.drop("#drop", ARGUMENTS.photos[:1] * 8)
        page.until("photos.length === 8 && document.querySelectorAll('progress:not(.idle)').length >= 3")
        self.shot("working")
        for last in (8, 7):  # far back in the queue
            page.click(f".photos li:nth-child({last}) .acts button")
        page.until("photos.every((one) => !one.busy)", 120)
        said = page.value("photos.map((one) => one.says.textContent)")
        self.assertEqual(said[6:], ["cancelled", "cancelled"])
        self.assertNotIn("cancelled", said[:6])
        page.click(".photos li:nth-child(8) .acts button:last-child")
        self.assertEqual(page.value("document.querySelectorAll('.photos li').length"), 7)


class Report(unittest.TestCase):
    """What `chiaro report` writes: frames that move together, from one file, without a server."""

    def test_frames_move_together(self):
        with tempfile.TemporaryDirectory() as folder:
            report = pathlib.Path(folder) / "report.html"
            photo = str(ARGUMENTS.photos[0])
            half = str(pathlib.Path(folder) / "half.png")
            subprocess.run([ARGUMENTS.chiaro, "restore", photo, "-o", half, "--strength", "0.5", "--quiet"], check=True)
            subprocess.run([ARGUMENTS.chiaro, "report", photo, half, photo, "--clean", half, "-o", report, "--quiet"],
                           check=True)
            page = browser.Browser(1280, 900)
            try:
                page.open(report.as_uri())
                page.until("reportViews[0].frames.size === 3 && [...reportViews[0].frames].every((frame) => frame.width > 0)")
                # What came before the frames were made stays where it was.
                moved = page.value("""new Promise((done) => { let sum = 0; setTimeout(() => done(sum), 500);
                    new PerformanceObserver((list) => { for (const entry of list.getEntries()) sum += entry.value; })
                        .observe({ type: "layout-shift", buffered: true }); })""")
                self.assertLess(moved, 0.02)
                page.click("section:nth-of-type(2) [data-do=in]")
                page.click("section:nth-of-type(2) [data-do=in]")
                scales = page.value("[...reportViews[0].frames].map((frame) => frame.scale)")
                self.assertEqual(len(set(scales)), 1)
                self.assertGreater(scales[0], 0)
                page.value("document.querySelector('.compare-stage').focus()")
                before = page.value("reportViews[0].y")
                page.key("ArrowDown", 40)
                self.assertGreater(page.value("reportViews[0].y"), before)
                places = page.value("[...document.querySelectorAll('.compare-pictures')].map((e) => e.style.transform)")
                self.assertEqual(len(set(places)), 1)
                page.click("section:nth-of-type(3) [data-do=difference]")
                self.assertEqual(page.value("document.querySelectorAll('.compare-difference').length"), 3)
                self.assertEqual(page.problems, [])
                self.assertTrue(all(url.startswith(("file:", "data:")) for url in page.requested))
                if ARGUMENTS.shots:
                    page.click("section:nth-of-type(3) [data-do=difference]")
                    for dark in (False, True):
                        for width, height in ((1280, 900), (375, 812)):
                            page.look(width, height, dark, touch=width < 600)
                            page.value("new Promise((done) => setTimeout(done, 300))")
                            page.picture(ARGUMENTS.shots / f"report_{width}_{'dark' if dark else 'light'}.png")
            finally:
                page.close()


class Token(unittest.TestCase):
    def test_page_asks_for_it(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "token"
            file.write_text("0123456789abcdef\n")
            server = page_checks.Server(ARGUMENTS.chiaro, "--token-file", file)
            page = browser.Browser(800, 600)
            try:
                page.open(server.url)
                page.until("!document.querySelector('#token').hidden")
                page.value("$('token').value = '0123456789abcdef'; $('token').dispatchEvent(new Event('change'))")
                page.until("facts !== null")
            finally:
                page.close()
                server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("chiaro")
    parser.add_argument("photos", nargs="+", type=pathlib.Path)
    parser.add_argument("--shots", type=pathlib.Path)
    parser.add_argument("--only", default="")
    ARGUMENTS = parser.parse_args()
    ARGUMENTS.photos = [photo.resolve() for photo in ARGUMENTS.photos]
    if browser.find() is None:
        print("no Chromium here: skipped")
        sys.exit(page_checks.SKIPPED)
    if ARGUMENTS.shots:
        ARGUMENTS.shots.mkdir(parents=True, exist_ok=True)
    words = [sys.argv[0], "-v"] + (["-k", ARGUMENTS.only] if ARGUMENTS.only else [])
    unittest.main(argv=words)
