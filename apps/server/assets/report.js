/* One view for all frames of a part: they show the same place at the same size. */
"use strict";
const reportViews = [];
for (const part of document.querySelectorAll(".frames")) {
  const view = new SharedView();
  reportViews.push(view);
  for (const root of part.querySelectorAll("[data-before]")) {
    const picture = (name) => document.getElementById(root.dataset[name]).src;
    const frame = new CompareFrame(root, view);
    frame.show(picture("before"), picture("after"), root.dataset.afterName)
      .catch(() => { root.textContent = "This browser cannot show this format."; });
  }
}
