#!/usr/bin/env python3
"""The pages of `chiaro serve`, `report` and `try` without a mouse and without eyes: Tab, arrows, names, what is said.

page_access_test.py CHIARO DAMAGED CLEAN. Ends with 77 where there is no Chromium.
"""
import pathlib
import re
import shutil
import tempfile
import time
import unittest

import browser
import page_checks

ARGUMENTS = None
IDLE = "photos.length > 0 && photos.every((one) => !one.busy)"
SPLIT = "parseFloat(document.querySelector('.compare-line').style.left) / document.querySelector('.compare-stage').clientWidth"
FRAMES = "[...document.querySelectorAll('[data-before]')].every((e) => e.querySelector('.compare-after')?.naturalWidth > 0)"

# What Tab should come to, in the order of the document.
REACHABLE = """[...document.querySelectorAll("a[href], button, input, select, textarea, [tabindex]")]
    .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled && e.tabIndex >= 0)"""
NAMED = "(e.getAttribute('aria-label') ?? (e.id || e.textContent.trim()))"

# Where the focus is, and how that is shown: by the outline of the control or, where it is hidden, of its label.
FOCUS = """(() => {
  const e = document.activeElement;
  if (e === document.body) return null;
  const all = """ + REACHABLE + """;
  const ring = getComputedStyle(e).clipPath === "inset(50%)" ? e.labels[0] : e;
  const style = getComputedStyle(ring);
  const box = ring.getBoundingClientRect();
  return { place: all.indexOf(e), name: """ + NAMED + """, outline: style.outlineStyle, wide: parseFloat(style.outlineWidth),
    colour: style.outlineColor, paper: getComputedStyle(document.body).backgroundColor,
    box: [box.left, box.top, box.right, box.bottom], part: [...document.querySelectorAll("section")].indexOf(e.closest("section")),
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth, scrolled: scrollY };
})()"""


def light(colour):
    """Relative luminance of "rgb(…)", as in WCAG 2."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(one, other):
    lights = sorted((light(one), light(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


class Access(unittest.TestCase):
    maxDiff = None

    def tearDown(self):
        self.assertEqual(self.browser.problems, [])

    def tab(self, back=False):
        self.browser.key("Tab", 9, shift=back)
        return self.browser.value(FOCUS)

    def tab_to(self, name, back=False):
        for _ in range(40):
            focus = self.tab(back)
            if focus and focus["name"] == name:
                return
        self.fail(f"Tab never comes to {name}")

    def enter(self):
        self.browser.key("Enter", 13, "\r")

    def space(self):
        self.browser.key(" ", 32, " ")

    def arrow(self, name, times=1):
        for _ in range(times):
            self.browser.key(name, {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}[name])

    def all_is_reached(self):
        """From the top of the page: each control once, in order, with a ring that can be seen."""
        page = self.browser
        names = page.value(f"{REACHABLE}.map((e) => {NAMED})")
        self.assertGreater(len(names), 8)
        last = None
        for place, name in enumerate(names):
            focus = self.tab()
            self.assertIsNotNone(focus, f"Tab ends before {name}")
            self.assertEqual((focus["place"], focus["name"]), (place, name))
            self.assertTrue(focus["inside"], f"{name} is not scrolled to")
            self.assertEqual(focus["outline"], "solid", name)
            self.assertGreaterEqual(focus["wide"], 2, name)
            self.assertGreaterEqual(contrast(focus["colour"], focus["paper"]), 3, name)
            left, top, _, bottom = focus["box"]
            top, bottom = top + focus["scrolled"], bottom + focus["scrolled"]
            if last and last[0] == focus["part"]:
                below = top >= last[3] - 4
                beside = bottom > last[2] and left > last[1]
                self.assertTrue(below or beside, f"{name} is before what Tab came to before it")
            last = (focus["part"], left, top, bottom)
        self.assertNotEqual((self.tab() or {}).get("place"), len(names) - 1, "Tab does not leave the last control")

    def named(self):
        things = page_checks.spoken_things(self.browser)
        self.assertEqual([one for one in things if not one[1]], [])
        return things


class ServerPage(Access):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory(prefix="chiaro_access_")
        cls.folder = pathlib.Path(cls.kept.name)
        cls.photo = cls.folder / "dogs.jpg"
        shutil.copy(ARGUMENTS.damaged, cls.photo)
        cls.letter = cls.folder / "letter.jpg"
        cls.letter.write_text("this is a letter")
        cls.server = page_checks.Server(ARGUMENTS.chiaro)
        cls.browser = browser.Browser(1280, 900)
        cls.browser.call("Emulation.setFocusEmulationEnabled", {"enabled": True})
        cls.browser.call("Page.setInterceptFileChooserDialog", {"enabled": True})

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.server.stop()
        cls.kept.cleanup()

    def setUp(self):
        self.browser.look(1280, 900, dark=False)
        self.browser.open(self.server.url)
        self.browser.until("facts !== null")
        self.browser.value("""window.heard = []; new MutationObserver(() => heard.push($("spoken").textContent))
            .observe($("spoken"), { childList: true, characterData: true, subtree: true })""")

    def restored(self, photos):
        self.browser.drop("#drop", photos)
        self.browser.until(IDLE, 120)
        self.browser.until("document.querySelector('.compare-after')?.naturalWidth > 0")

    def test_tab_reaches_everything(self):
        for width, height, dark in ((1280, 900, False), (375, 812, True)):
            with self.subTest(width=width, dark=dark):
                self.browser.look(width, height, dark)
                self.browser.open(self.server.url)
                self.browser.until("facts !== null")
                self.restored([self.photo])
                self.all_is_reached()

    def test_from_the_file_to_the_result_without_a_pointer(self):
        page = self.browser
        page.choosers.clear()
        self.tab_to("files")
        self.space()
        end = time.monotonic() + 10
        while not page.choosers and time.monotonic() < end:
            page_checks.drawn(page)
        self.assertEqual(len(page.choosers), 1, "Space opens the dialog")
        # What is wrong, told by arrows.
        self.tab_to("kind")
        self.arrow("ArrowDown", 2)
        self.assertEqual(page.value("$('kind').selectedIndex"), 2)
        self.assertEqual(self.tab()["name"], "severity")
        self.arrow("ArrowRight", 2)
        self.assertEqual(page.value("$('severity-value').textContent"), "40 %")
        self.tab_to("careful")
        self.space()
        self.assertFalse(page.value("$('careful').checked"))
        # Chosen and restored.
        page.call("DOM.setFileInputFiles", {"files": [str(self.photo)], "backendNodeId": page.choosers[0]})
        page.until(IDLE, 120)
        page.until("document.querySelector('.compare-after')?.naturalWidth > 0")
        # Compared.
        self.tab_to("Compare dogs.jpg")
        self.enter()
        page.until("document.activeElement === frame.stage")
        whole = page.value("frame.scale")
        page.key("+", 187, "+")
        self.assertGreater(page.value("frame.scale"), whole * 1.4)
        self.assertEqual(self.tab()["name"], "Border between before and after")
        self.arrow("ArrowRight", 3)
        self.assertAlmostEqual(page.value(SPLIT), 0.53, places=2)
        self.arrow("ArrowLeft", 5)
        self.assertAlmostEqual(page.value(SPLIT), 0.48, places=2)
        self.tab_to("Whole")
        self.enter()
        self.assertAlmostEqual(page.value("frame.scale"), whole)
        self.tab_to("Difference")
        for pressed, press in (("true", self.space), ("false", self.enter)):
            press()
            self.assertEqual(page.value("document.querySelector('[data-do=difference]').getAttribute('aria-pressed')"), pressed)
        # Saved.
        self.tab_to("Download dogs.jpg", back=True)
        self.enter()
        saved = page.downloaded()
        self.assertEqual((saved.name, saved.read_bytes()[:2]), ("dogs_chiaro.jpg", b"\xff\xd8"))
        saved.unlink()
        self.tab_to("save-all", back=True)
        self.space()
        self.assertEqual(page.downloaded().name, "dogs_chiaro.jpg")
        page.downloaded().unlink()

    def test_it_says_what_happens(self):
        page = self.browser
        page.value("void restorations.add(() => new Promise((done) => { window.goOn = done; }))")  # all wait
        for name in ("second.jpg", "third.jpg"):
            shutil.copy(self.photo, self.folder / name)
        page.drop("#drop", [self.photo, self.letter, self.folder / "second.jpg", self.folder / "third.jpg"])
        page.until("photos.length === 4")
        self.assertEqual(page.value("heard"), ["4 photographs added."])
        # One is cancelled before its turn, one while it is at work.
        page.value("document.querySelector('[aria-label=\"Cancel second.jpg\"]').focus()")
        self.enter()
        page.value("""void (follow = ((follow) => (state, show) => follow(state, (now) => {
            show(now);
            if (photos[3].id === state.id && !photos[3].stopped) cancel(photos[3]);
          }))(follow)); window.goOn()""")
        page.until(IDLE, 120)
        heard = page.value("heard")
        self.assertEqual(heard[1], "second.jpg: cancelled.")
        self.assertRegex(heard[2], r"^dogs\.jpg: restored \(\d+\s×\s\d+, \d+\.\d\ss\)\.$")
        self.assertRegex(heard[3], r"^letter\.jpg: failed, .*no picture.*\.$")
        self.assertEqual(heard[4:], ["third.jpg: cancelled."])
        page.call("Accessibility.enable")
        regions = [node for node in page.call("Accessibility.getFullAXTree")["nodes"]
                   if node.get("role", {}).get("value") == "status" and not node.get("ignored")]
        page.call("Accessibility.disable")
        self.assertEqual({one["value"]["value"] for node in regions for one in node["properties"] if one["name"] == "live"}, {"polite"})
        page.problems.clear()  # the browser itself notes answers of 415

    def test_everything_has_a_name(self):
        page = self.browser
        self.assertEqual([name for role, name, _ in self.named() if name.startswith("Choose files")][0][:12], "Choose files")
        page.value("$('kind').value = 'jpeg'; $('kind').dispatchEvent(new Event('change'))")
        page.drop("#drop", [self.photo])
        page.until(IDLE, 120)
        page.until("document.querySelector('.compare-after')?.naturalWidth > 0")
        things = self.named()
        names = [name for _, name, _ in things]
        for name in ("Strength", "Keep grain", "What is wrong", "How severe", "Save as", "Photographs", "Download dogs.jpg",
                     "Remove dogs.jpg", "Before: dogs.jpg", "After: dogs.jpg", "View of dogs.jpg", "Difference", "Larger", "Smaller"):
            self.assertIn(name, names)
        self.assertTrue(any(role == "group" and name.startswith("dogs.jpg, before and after.") for role, name, _ in things))


class ReportPages(Access):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory(prefix="chiaro_access_")
        cls.folder = pathlib.Path(cls.kept.name)
        restored = cls.folder / "restored.jpg"
        page_checks.run_chiaro(ARGUMENTS.chiaro, "restore", ARGUMENTS.damaged, "-o", restored)
        page_checks.run_chiaro(ARGUMENTS.chiaro, "report", ARGUMENTS.damaged, restored, "--clean", ARGUMENTS.clean,
                               "-o", cls.folder / "report.html")
        page_checks.run_chiaro(ARGUMENTS.chiaro, "try", ARGUMENTS.damaged, "-o", cls.folder / "try.html")
        cls.browser = browser.Browser(1280, 900)
        cls.browser.call("Emulation.setFocusEmulationEnabled", {"enabled": True})

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.kept.cleanup()

    def open(self, name, width, height, dark=False):
        self.browser.look(width, height, dark)
        self.browser.open((self.folder / name).as_uri())
        self.browser.until(FRAMES)

    def test_tab_reaches_everything(self):
        for name, width, height, dark in (("report.html", 1280, 900, False), ("try.html", 1280, 900, True), ("try.html", 375, 812, False)):
            with self.subTest(page=name, width=width):
                self.open(name, width, height, dark)
                self.all_is_reached()

    def test_arrows_move_border_and_picture(self):
        page = self.browser
        self.open("report.html", 1280, 900)
        self.tab()
        self.assertTrue(page.value("document.activeElement.matches('.compare-stage')"))
        for _ in range(4):
            page.key("+", 187, "+")
        before = page.value("reportViews[0].y")
        self.arrow("ArrowDown")
        self.assertGreater(page.value("reportViews[0].y"), before)
        page.key("0", 48, "0")
        self.assertEqual(page.value("reportViews[0].zoom"), 0)
        self.tab()
        self.arrow("ArrowRight", 2)
        self.arrow("ArrowLeft", 5)
        self.assertAlmostEqual(page.value(SPLIT), 0.47, places=2)
        self.tab_to("Difference")
        self.space()
        self.assertEqual(page.value("document.querySelectorAll('.compare-difference').length"), 2)

    def test_everything_has_a_name(self):
        page = self.browser
        for width, height in ((1280, 900), (375, 812)):
            with self.subTest(width=width):
                self.open("report.html", width, height)
                names = [name for _, name, _ in self.named()]
                photo = ARGUMENTS.damaged.name
                for name in ("Before: restored.jpg", "After: restored.jpg", "View of restored.jpg"):
                    self.assertIn(name, names)
                page.call("Accessibility.enable")
                roles = [node.get("role", {}).get("value") for node in page.call("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]
                page.call("Accessibility.disable")
                self.assertEqual([roles.count(role) for role in ("table", "columnheader", "row")], [1, 5, 3], photo)


def take(arguments):
    global ARGUMENTS
    ARGUMENTS = arguments


if __name__ == "__main__":
    page_checks.main(take)
