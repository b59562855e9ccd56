"""What any page must keep, asked of the page that a Browser has open; and the server and programs that make pages."""
import argparse
import json
import pathlib
import subprocess
import sys
import unittest

import browser

SKIPPED = 77

# Runs before anything of the page: every shift of the layout, and whether a hand on the page caused it.
WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const what = entry.sources.map((one) => [one.node?.className || one.node?.id || one.node?.nodeName,
      [one.previousRect, one.currentRect].map((box) => [box.x, box.y, box.width, box.height].map(Math.round).join(" "))]);
    window.shifts.push({ value: entry.value, input: entry.hadRecentInput, what: JSON.stringify(what) });
  }
}).observe({ type: "layout-shift", buffered: true });
"""

# What is seen: boxes of controls and pictures, and of each line of text. Pictures in a frame lie on each other on
# purpose; of a frame, what is checked is the frame.
SEEN = """
const forReaders = (e) => { for (; e; e = e.parentElement) if (getComputedStyle(e).clipPath === "inset(50%)") return true; return false; };
const seen = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true })
  && !e.closest("option, script, style, .compare-pictures, .compare-line") && !forReaders(e);
const nameOf = (e) => `${e.tagName.toLowerCase()}${e.id ? "#" + e.id : ""}${e.className ? "." + e.className : ""} "${e.textContent.trim().slice(0, 40)}"`;
const boxes = [];
for (const e of document.querySelectorAll("button, .button, input, select, progress, img, .compare-stage"))
  if (seen(e)) boxes.push({ of: e, text: false, box: e.getBoundingClientRect() });
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const node = walk.currentNode;
  if (!node.data.trim() || !seen(node.parentElement) || node.parentElement.closest("select")) continue;
  const range = document.createRange();
  range.selectNodeContents(node);
  for (const box of range.getClientRects()) if (box.width > 1) boxes.push({ of: node.parentElement, text: true, box });
}
"""

FAULTS = "(() => {" + SEEN + """
const faults = [];
const shown = ({ of, box }) => `${nameOf(of)} [${[box.left, box.top, box.right, box.bottom].map(Math.round)}]`;
const slack = 1.5;
for (let i = 0; i < boxes.length; ++i) {
  for (let k = i + 1; k < boxes.length; ++k) {
    const [a, b] = [boxes[i], boxes[k]];
    if (a.of.contains(b.of) || b.of.contains(a.of)) continue;
    const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
    const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
    if (wide > slack && high > slack) faults.push(`overlap: ${shown(a)} and ${shown(b)}`);
  }
}
const width = document.documentElement.clientWidth;
for (const one of boxes) {
  if (one.box.left < -0.5 || one.box.right > width + 0.5) faults.push(`outside the window: ${shown(one)}`);
  for (let e = one.text ? one.of : one.of.parentElement; e && e !== document.body; e = e.parentElement) {
    if (getComputedStyle(e).overflowX === "visible") continue;
    const box = e.getBoundingClientRect();
    if (one.box.left < box.left - slack || one.box.right > box.right + slack || one.box.top < box.top - slack
      || one.box.bottom > box.bottom + slack) faults.push(`cut by ${nameOf(e)}: ${shown(one)}`);
  }
}
for (const e of document.querySelectorAll("body *")) {
  if (!seen(e) || e.closest(".compare-stage")) continue;
  if (e.clientWidth && e.scrollWidth > e.clientWidth + 1) faults.push(`wider than its box: ${nameOf(e)}`);
  if (e.clientWidth && e.tagName === "BUTTON" && e.scrollHeight > e.clientHeight + 1) faults.push(`higher than its box: ${nameOf(e)}`);
}
for (const select of document.querySelectorAll("select")) {
  if (!seen(select)) continue;
  const room = select.cloneNode(true);
  Object.assign(room.style, { position: "absolute", width: "max-content", visibility: "hidden" });
  select.after(room);
  if (room.offsetWidth > select.offsetWidth + 1) faults.push(`an option is cut: ${nameOf(select)}`);
  room.remove();
}
if (document.documentElement.scrollWidth > width) faults.push(`the page is ${document.documentElement.scrollWidth} wide in ${width}`);
if (boxes.length < 10) faults.push("hardly anything is seen");
return faults;
})()"""

INTERACTIVE = ("button", "slider", "link", "checkbox", "combobox", "progressbar", "textbox", "image", "table", "group", "list")


class Server:
    """`chiaro serve` on a port that was free."""

    def __init__(self, chiaro, *more):
        self.process = subprocess.Popen(
            [chiaro, "serve", "--port", "0", "--json", "--threads", "1", *map(str, more)], stdout=subprocess.PIPE)
        self.url = json.loads(self.process.stdout.readline())["url"]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def run_chiaro(chiaro, *words):
    subprocess.run([chiaro, *map(str, words), "--threads", "1", "--quiet"], check=True, stdout=subprocess.DEVNULL)


def drawn(page):
    """The layout has settled, and observers have been told."""
    page.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))")


def watch_shifts(page):
    page.call("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH_SHIFTS})


def shifts(page):
    """How much what nobody touched has moved since the page was opened, and what it was."""
    drawn(page)
    unasked = [one for one in page.value("window.shifts") if not one["input"]]
    return sum(one["value"] for one in unasked), [f"{one['value']:.4f} {one['what']}" for one in unasked]


def faults(page):
    """Sentences about what overlaps, is cut, or is wider than the window."""
    drawn(page)
    return page.value(FAULTS)


def spoken_things(page):
    """(role, name, value) of what a screen reader comes to."""
    page.call("Accessibility.enable")
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    page.call("Accessibility.disable")
    text = lambda node, what: node.get(what, {}).get("value", "")
    return [(text(node, "role"), text(node, "name"), text(node, "value")) for node in nodes
            if not node.get("ignored") and text(node, "role") in INTERACTIVE]


def main(arguments_of):
    """Runs the tests of the program; `arguments_of` takes the parsed arguments."""
    parser = argparse.ArgumentParser()
    parser.add_argument("chiaro")
    parser.add_argument("damaged", type=pathlib.Path)
    parser.add_argument("clean", type=pathlib.Path)
    parser.add_argument("--shots", type=pathlib.Path)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    arguments.damaged = arguments.damaged.resolve()
    arguments.clean = arguments.clean.resolve()
    arguments_of(arguments)
    if browser.find() is None:
        print("no Chromium here: skipped")
        sys.exit(SKIPPED)
    if arguments.shots:
        arguments.shots.mkdir(parents=True, exist_ok=True)
    unittest.main(argv=[sys.argv[0], "-v"] + (["-k", arguments.only] if arguments.only else []))
