/* One view for all frames of the report: they show the same place at the same size. */
"use strict";
const reportView = new SharedView();
for (const root of document.querySelectorAll("[data-before]")) {
  const picture = (name) => document.getElementById(root.dataset[name]).src;
  const frame = new CompareFrame(root, reportView);
  frame.show(picture("before"), picture("after"), root.dataset.afterName)
    .catch(() => { root.textContent = "This browser cannot show this format."; });
}
