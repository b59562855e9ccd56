#!/usr/bin/env python3
"""How the pages of `chiaro serve`, `report` and `try` lie: nothing jumps, overlaps or is cut, and differences are true.

page_layout_test.py CHIARO DAMAGED CLEAN [--shots FOLDER]. Ends with 77 where there is no Chromium.
"""
import base64
import pathlib
import shutil
import tempfile
import unittest

import browser
import page_checks

ARGUMENTS = None
FAR_APART = [(1280, 900), (375, 812)]
SIZES = [*FAR_APART, (768, 1024), (500, 900), (320, 640)]
LONG = "a name that is long enough for two lines on a telephone.jpg"
UNBROKEN = "IMG_20240229_235959_" + "0123456789" * 6 + ".jpg"
IDLE = "photos.length > 0 && photos.every((one) => !one.busy && !/looking/.test(one.found.textContent))"
SHOWN = "document.querySelector('.compare-after')?.naturalWidth > 0"
MOST_SHIFT = 0.02

# Where a control is on the page, however far the page is scrolled.
PLACE = "(() => {{ const b = document.querySelector({selector!r}).getBoundingClientRect(); return [b.x + scrollX, b.y + scrollY, b.width, b.height]; }})()"

# Of the frame as the browser drew it, at one screen pixel per picture pixel: the largest and the mean distance to
# six times the difference of the two pictures, and how bright the difference is at all.
TRUE_DIFFERENCE = """(async (shot, corner) => {
  const pixels = (image, width, height) => {
    const c = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    c.drawImage(image, 0, 0, width, height);
    return c.getImageData(0, 0, width, height).data;
  };
  const picture = new Image();
  picture.src = "data:image/png;base64," + shot;
  await picture.decode();
  const [before, after] = [".compare-before", ".compare-after"].map((one) => document.querySelector(one));
  const { naturalWidth: width, naturalHeight: height } = after;
  const [a, b] = [pixels(before, width, height), pixels(after, width, height)];
  const seen = pixels(picture, picture.naturalWidth, picture.naturalHeight);
  const at = after.getBoundingClientRect();
  const [left, top] = [Math.round(at.left + scrollX - corner[0]), Math.round(at.top + scrollY - corner[1])];
  let most = 0, sum = 0, bright = 0, count = 0;
  /* Not the frame's own edge and round corners. */
  for (let y = Math.max(0, 12 - top); y < Math.min(height, picture.naturalHeight - 12 - top); ++y)
    for (let x = Math.max(0, 12 - left); x < Math.min(width, picture.naturalWidth - 12 - left); ++x)
      for (let c = 0; c < 3; ++c) {
        const i = 4 * (y * width + x) + c;
        const wanted = Math.min(255, 6 * Math.abs(a[i] - b[i]));
        const off = Math.abs(seen[4 * ((y + top) * picture.naturalWidth + x + left) + c] - wanted);
        most = Math.max(most, off);
        sum += off;
        bright += wanted;
        ++count;
      }
  return { most, mean: sum / count, bright: bright / count, count };
})"""


def difference(page):
    """TRUE_DIFFERENCE of the first frame."""
    page.value("document.querySelector('.compare-stage').scrollIntoView({ block: 'center' })")
    page_checks.drawn(page)
    x, y, width, height = (int(part) for part in page.value(PLACE.format(selector=".compare-stage")))
    shot = page.call("Page.captureScreenshot", {"clip": {"x": x, "y": y, "width": width, "height": height, "scale": 1}})
    return page.value(f"{TRUE_DIFFERENCE}({shot['data']!r}, [{x}, {y}])")


class Layout(unittest.TestCase):
    maxDiff = None

    def tearDown(self):
        self.assertEqual(self.browser.problems, [])

    def look(self, width, height, dark=False):
        self.browser.look(width, height, dark, touch=width < 600)

    def shot(self, name):
        if ARGUMENTS.shots:
            width = self.browser.value("innerWidth")
            for dark in (False, True):
                self.look(width, self.browser.value("innerHeight"), dark)
                page_checks.drawn(self.browser)
                size = self.browser.value("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
                shot = self.browser.call("Page.captureScreenshot", {
                    "captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": size[0], "height": min(size[1], 2000), "scale": 1}})
                (ARGUMENTS.shots / f"{name}_{width}_{'dark' if dark else 'light'}.png").write_bytes(base64.b64decode(shot["data"]))
            self.look(width, self.browser.value("innerHeight"))

    def without_faults(self, name):
        for width, height in SIZES:
            with self.subTest(state=name, width=width):
                self.look(width, height)
                self.assertEqual(page_checks.faults(self.browser), [])
                self.shot(name)

    def has_stayed(self):
        moved, what = page_checks.shifts(self.browser)
        self.assertLess(moved, MOST_SHIFT, what)

    def true_difference(self):
        page = self.browser
        page.click("[data-do=one]")
        self.assertEqual(page.value("document.querySelector('.compare-scale').textContent"), "100 %")
        page.click("[data-do=difference]")
        found = difference(page)
        self.assertGreater(found["count"], 100 * 100)
        self.assertGreater(found["bright"], 10, "two pictures that hardly differ show nothing")
        self.assertLessEqual(found["most"], 1, found)
        page.click("[data-do=difference]")
        self.assertGreater(difference(page)["mean"], 10, "without it the pictures themselves are seen")


class ServerPage(Layout):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory(prefix="chiaro_layout_")
        folder = pathlib.Path(cls.kept.name)
        cls.photos = []
        for name, photo in (("dogs.jpg", ARGUMENTS.damaged), (LONG, ARGUMENTS.clean), (UNBROKEN, ARGUMENTS.damaged)):
            cls.photos.append(folder / name)
            shutil.copy(photo, folder / name)
        cls.letter = folder / "letter.jpg"
        cls.letter.write_text("this is a letter")
        cls.server = page_checks.Server(ARGUMENTS.chiaro)
        cls.browser = browser.Browser(1280, 900)
        page_checks.watch_shifts(cls.browser)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.server.stop()
        cls.kept.cleanup()

    def open(self, width=1280, height=900):
        self.look(width, height)
        self.browser.open(self.server.url)
        self.browser.until("facts !== null")

    def restored(self, photos):
        self.browser.drop("#drop", photos)
        self.browser.until(IDLE, 120)
        self.browser.until(SHOWN)

    def test_nothing_jumps_while_it_works(self):
        page = self.browser
        for width, height in FAR_APART:
            with self.subTest(width=width):
                self.open(width, height)
                page.value("scrollTo(0, 0)")
                # The upper rows are what a hand is on while the results of others come.
                page.drop("#drop", self.photos[:2])
                page.until("document.querySelectorAll('.acts button').length > 0")
                rows = "[...document.querySelectorAll('.photos li')].map((e) => [e.getBoundingClientRect().y + scrollY, e.offsetHeight])"
                first = page.value(rows)
                page.until(IDLE, 120)
                page.until(SHOWN)
                self.assertEqual(page.value(rows)[0], first[0])
                self.has_stayed()

    def test_what_was_used_stays_below_the_pointer(self):
        page = self.browser
        for width, height in FAR_APART:
            self.open(width, height)
            self.restored(self.photos[:2])
            for selector in ("#careful", "#kind", "[data-do=in]", "[data-do=difference]", "[data-do=difference]", "[data-do=one]", "[data-do=out]",
                             "[data-do=fit]", ".compare-slide input", ".photos li:nth-child(2) .acts > :first-child", "#again-all"):
                with self.subTest(width=width, control=selector):
                    page.centre(selector)
                    before = page.value(PLACE.format(selector=selector))
                    page.click(selector)
                    if selector == "#kind":
                        page.key("Escape", 27)
                    page.until(IDLE, 120)
                    page_checks.drawn(page)
                    self.assertEqual(page.value(PLACE.format(selector=selector)), before)
            self.has_stayed()

    def test_nothing_overlaps_or_is_cut(self):
        page = self.browser
        self.open()
        self.without_faults("page_empty")
        self.look(1280, 900)
        page.value("void restorations.add(() => new Promise((done) => { window.goOn = done; }))")  # all wait
        page.drop("#drop", [*self.photos, self.letter])
        page.until("document.querySelectorAll('progress:not(.idle)').length === 4")
        page.value("tell(photos[1], 'waits, 12 before it', { bar: 0.4 })")
        self.without_faults("page_working")
        page.value("window.goOn()")
        page.until(IDLE, 120)
        page.until(SHOWN)
        page.value("$('kind').value = 'jpeg'; $('kind').dispatchEvent(new Event('change')); void view(photos[2])")
        page.until(f"{SHOWN} && $('view-title').textContent.startsWith('IMG')")
        self.without_faults("page_done")
        self.look(1280, 900)
        page.value("frame.zoomTo(16); frame.view.change({ difference: true })")
        self.without_faults("page_difference")
        page.problems.clear()  # the browser itself notes answers of 415

    def test_difference_is_true(self):
        self.open()
        # The two decoders of JPEG do not come in: what the page shows is compared with what the page has.
        self.restored(self.photos[:1])
        self.true_difference()


class ReportPages(Layout):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory(prefix="chiaro_layout_")
        cls.folder = pathlib.Path(cls.kept.name)
        restored = cls.folder / "restored.jpg"
        chiaro = lambda *words: page_checks.run_chiaro(ARGUMENTS.chiaro, *words)
        chiaro("restore", ARGUMENTS.damaged, "-o", restored)
        before, after = cls.folder / "before", cls.folder / "after"
        for folder, photo in ((before, ARGUMENTS.damaged), (after, restored)):
            folder.mkdir()
            for name in ("dogs.jpg", LONG):
                shutil.copy(photo, folder / name)
        chiaro("report", ARGUMENTS.damaged, after / LONG, restored, "--clean", ARGUMENTS.clean, "-o", cls.folder / "report.html")
        chiaro("report", before, after, "-o", cls.folder / "folders.html")
        chiaro("try", ARGUMENTS.damaged, "-o", cls.folder / "try.html")
        cls.browser = browser.Browser(1280, 900)
        page_checks.watch_shifts(cls.browser)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.kept.cleanup()

    def open(self, name, width=1280, height=900):
        self.look(width, height)
        self.browser.open((self.folder / name).as_uri())
        self.browser.until("[...document.querySelectorAll('[data-before]')].every((e) => e.querySelector('.compare-after')?.naturalWidth > 0)")

    def test_nothing_jumps(self):
        for name in ("report.html", "folders.html", "try.html"):
            for width, height in FAR_APART:
                with self.subTest(page=name, width=width):
                    self.open(name, width, height)
                    for selector in ("[data-do=in]", "[data-do=difference]", "[data-do=fit]"):
                        self.browser.centre(selector)
                        before = self.browser.value(PLACE.format(selector=selector))
                        self.browser.click(selector)
                        page_checks.drawn(self.browser)
                        self.assertEqual(self.browser.value(PLACE.format(selector=selector)), before)
                    self.has_stayed()

    def test_difference_is_true(self):
        self.open("try.html")
        self.true_difference()


def take(arguments):
    global ARGUMENTS
    ARGUMENTS = arguments


if __name__ == "__main__":
    page_checks.main(take)
