"use strict";
const $ = (id) => document.getElementById(id);
const photos = [];
const frame = new CompareFrame($("frame"));
let shown = null;
let facts = null;

class Failure extends Error {}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const percent = (part) => `${Math.round(part * 100)} %`;
function say(text) { $("status").textContent = text; }
/* For those who hear the page: the others see it in the list. */
function speak(text) { $("spoken").textContent = text; }

function element(name, attributes, text) {
  const made = document.createElement(name);
  Object.assign(made, attributes);
  if (text !== undefined) made.textContent = text;
  return made;
}

/* An answer, or Failure with a sentence. Where the server is full, asks again when it says. */
async function ask(path, options = {}, waits = () => {}, stops = () => false) {
  const token = $("token").value;
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  for (;;) {
    if (stops()) return null;
    let response;
    try {
      response = await fetch(path, { ...options, headers });
    } catch {
      throw new Failure("the server cannot be reached");
    }
    if (response.ok) return response;
    if (response.status === 429) {
      waits();
      await pause(1000 * Number(response.headers.get("Retry-After") || 2));
      continue;
    }
    const body = await response.json().catch(() => null);
    throw new Failure(body?.error?.message.replace(/^\[[^\]]*\] /, "") ?? `the server answered ${response.status}`);
  }
}

async function load() {
  try {
    facts = await (await ask("v1/capabilities")).json();
  } catch (failure) {
    const health = await fetch("healthz").catch(() => null);
    for (const part of document.querySelectorAll(".token")) part.hidden = !health?.ok;
    return say(health?.ok ? "This server wants a token." : "The server cannot be reached.");
  }
  const megabytes = Math.round(facts.limits.body_bytes / (1 << 20));
  const kinds = facts.kinds.filter((one) => one !== "clean").map((one) => element("option", { value: one }, nameOf(one)));
  const chosen = $("kind").value;
  $("kind").replaceChildren($("kind").options[0], ...kinds);
  if (facts.kinds.includes(chosen)) $("kind").value = chosen;
  showHowMuch();
  allowSecondLook();
  for (const part of document.querySelectorAll(".told")) part.hidden = facts.kinds.length === 0;
  $("limits").textContent = `up to ${megabytes} MiB and ${Math.round(facts.limits.pixels / 1e6)} megapixels each`;
  say("");
}

function showHowMuch() {
  for (const part of document.querySelectorAll(".how-much")) part.hidden = !$("kind").value;
}

/* A result is looked at as it came from the network, which found out itself, in the size of the picture. */
function allowSecondLook() {
  $("second").disabled = !facts || facts.kinds.length === 0 || facts.scale !== 1 || $("kind").value !== ""
    || $("strength").value < 100 || $("grain").value > 0;
}

/* One after another: what waits here takes no memory of the server. */
class Line {
  constructor() { this.last = Promise.resolve(); }
  add(work) { this.last = this.last.then(work); }
}
const inspections = new Line();
const restorations = new Line();

const kNames = { jpeg: "JPEG artefacts", low_light: "darkness", gaussian_blur: "blur", motion_blur: "motion blur" };
const kEndings = { jpeg: "jpg", tiff: "tif", "x-exr": "exr", "vnd.radiance": "hdr" };
const nameOf = (type) => kNames[type] ?? type.replaceAll("_", " ");
/* A third of the range is a damage that nobody overlooks. */
const degreeOf = (severity) => (severity < 0.15 ? "slight" : severity < 0.45 ? "moderate" : "strong");

function foundText(found) {
  const parts = found.types.filter((one, place) => place === 0 || one.probability >= 0.1)
    .map((one) => (one.type === "clean" ? `looks clean (${percent(one.probability)})`
      : `${degreeOf(one.severity)} ${nameOf(one.type)} (${percent(one.probability)})`));
  if (found.drawn?.drawn) parts.push("drawn, not photographed");
  if (found.unlike) parts.push("unlike the pictures of training");
  return parts.join(", ");
}

/* "rain(0.3)" as the controls call it. */
const toldText = (stated) => stated.replaceAll(/(\w+)\(([\d.]+)\)/g, (_, kind, severity) => `${nameOf(kind)} ${percent(severity)}`);

/* What the server made of it, beside how large and how fast. */
function doneText(state) {
  const guard = state.findings?.guard;
  const left = state.findings?.pages_left_out ?? 0;
  const pages = left > 0 ? `, the first of ${left + 1} pages` : "";
  const told = state.findings?.as ? ` as told: ${toldText(state.findings.as)}` : "";
  const below = state.findings?.below ? `, then ${nameOf(state.findings.below.type)} that showed` : "";
  const size = `${state.width}\u00a0×\u00a0${state.height}${pages}, ${state.seconds.toFixed(1)}\u00a0s`;
  if (guard?.drawn) return `left as it is: it looks drawn, not photographed (${size})`;
  if (guard?.clean) return `left as it is: it looks clean (${size})`;
  if (guard && guard.strength < 0.95) return `held back to ${percent(guard.strength)}: not sure what is wrong${below} (${size})`;
  return `restored${told}${below} (${size})`;
}

/* What to do where the server was wrong. */
function hintText(state) {
  const guard = state.findings?.guard;
  return guard?.clean && !guard.drawn && facts?.kinds.length ? ". If it is not, say what is wrong and press “Again”" : "";
}

function add(file) {
  const photo = { file, url: URL.createObjectURL(file), run: 0, busy: false };
  photo.row = element("li");
  const thumb = element("img", { className: "thumb", alt: "", src: photo.url });
  thumb.addEventListener("error", () => thumb.replaceWith(element("div", { className: "thumb" })));
  const text = element("div");
  photo.found = element("div", { className: "found" });
  photo.says = element("div", { className: "says" });
  photo.bar = element("progress", { max: 1, value: 0, className: "idle" });
  photo.bar.setAttribute("aria-label", `Progress of ${file.name}`);
  photo.acts = element("div", { className: "acts" });
  const state = element("div", { className: "state" });
  state.append(photo.says, photo.bar);
  const known = element("div", { className: "facts" });
  known.append(photo.found, state);
  text.append(element("div", { className: "name" }, file.name), known);
  /* As much room as all buttons take, whichever are there. */
  const room = element("div", { className: "room", ariaHidden: "true" });
  room.append(...["Compare", "Download", "Again", "Remove"].map((one) => element("span", {}, one)));
  const acting = element("div", { className: "acting" });
  acting.append(room, photo.acts);
  photo.row.append(thumb, text, acting);
  $("photos").append(photo.row);
  photos.push(photo);
  inspections.add(() => inspect(photo));
  start(photo);
}

function acts(photo, wanted) {
  const button = (text, act, kind) => {
    const made = element("button", { type: "button", className: kind }, text);
    made.setAttribute("aria-label", `${text} ${photo.file.name}`);
    made.addEventListener("click", act);
    return made;
  };
  const made = [];
  if (wanted === "cancel") made.push(button("Cancel", () => cancel(photo), "plain"));
  if (photo.result && wanted === "done") {
    made.push(button("Compare", (event) => {
      const ready = view(photo);
      $("view").scrollIntoView({ block: "nearest" });
      if (event.detail === 0) ready.then(() => frame.stage.focus({ preventScroll: true })); /* by keyboard */
    }, "plain"));
    const save = element("a", { className: "button", href: photo.resultUrl, download: photo.saveName }, "Download");
    save.setAttribute("aria-label", `Download ${photo.file.name}`);
    made.push(save);
  }
  if (wanted !== "cancel") {
    made.push(button("Again", () => start(photo), "plain"), button("Remove", () => remove(photo), "plain"));
  }
  const held = photo.acts.contains(document.activeElement);
  photo.acts.replaceChildren(...made);
  if (held) made[0].focus({ preventScroll: true });
  offerAll();
}

function offerAll() {
  $("all").hidden = photos.length === 0;
  $("save-all").disabled = !photos.some((one) => one.result);
}

function tell(photo, text, { bad = false, bar = null } = {}) {
  photo.says.textContent = text;
  photo.says.classList.toggle("bad", bad);
  photo.bar.classList.toggle("idle", bar === null);
  photo.bar.setAttribute("aria-hidden", String(bar === null));
  if (bar !== null) photo.bar.value = bar;
}

async function inspect(photo) {
  if (!facts?.inspects || photo.removed || photo.file.size > facts.limits.body_bytes) return;
  photo.found.textContent = "looking …";
  try {
    const answer = await ask("v1/inspect", { method: "POST", body: photo.file }, undefined, () => photo.removed);
    photo.found.textContent = answer ? foundText(await answer.json()) : "";
  } catch {
    photo.found.textContent = ""; /* what is wrong with the file the restoration says */
  }
}

/* With the settings as they are now. */
function start(photo) {
  if (photo.busy) return;
  const query = new URLSearchParams({
    strength: String($("strength").value / 100), guard: $("careful").checked ? "soft" : "off",
  });
  if ($("format").value) query.set("format", $("format").value);
  if ($("grain").value > 0) query.set("keep_grain", String($("grain").value / 100));
  if ($("second").checked && !$("second").disabled) query.set("again", "1");
  if ($("kind").value) query.set("as", `${$("kind").value}(${$("severity").value / 100})`);
  const run = ++photo.run;
  photo.busy = true;
  photo.begun = false;
  photo.stopped = false;
  photo.id = null;
  tell(photo, "waits", { bar: 0 });
  acts(photo, "cancel");
  restorations.add(async () => {
    if (photo.run !== run) return; /* cancelled before its turn */
    photo.begun = true;
    try {
      await restore(photo, query);
    } catch (failure) {
      tell(photo, failure instanceof Failure ? failure.message : String(failure), { bad: true });
      speak(`${photo.file.name}: failed, ${photo.says.textContent}.`);
    }
    photo.busy = false;
    acts(photo, "done");
  });
}

async function restore(photo, query) {
  const stopped = () => photo.stopped;
  if (facts && photo.file.size > facts.limits.body_bytes) throw new Failure("the file is too large for this server");
  tell(photo, "is sent", { bar: 0 });
  const accepted = await ask(`v1/restore?${query}`, { method: "POST", body: photo.file },
    () => tell(photo, "waits for a place", { bar: 0 }), stopped);
  if (!accepted) return cancelled(photo);
  let state = await accepted.json();
  photo.id = state.id;
  if (stopped()) await cancel(photo);
  state = await follow(state, (now) => {
    if (stopped()) return;
    const before = now.queue_position ? `, ${now.queue_position} before it` : "";
    tell(photo, now.status === "queued" ? `waits${before}` : percent(now.progress), { bar: now.progress });
  });
  if (state.status === "cancelled") return cancelled(photo);
  if (state.status === "failed") throw new Failure(state.error.message.replace(/^\[[^\]]*\] /, ""));
  const blob = await (await ask(state.result_url.slice(1))).blob();
  if (photo.removed) return;
  if (photo.resultUrl) URL.revokeObjectURL(photo.resultUrl);
  dropCopies(photo);
  photo.result = blob;
  photo.resultUrl = URL.createObjectURL(blob);
  const subtype = blob.type.replace("image/", "");
  const ending = kEndings[subtype] ?? subtype;
  photo.saveName = `${photo.file.name.replace(/\.[^.]*$/, "")}_chiaro.${ending}`;
  tell(photo, doneText(state));
  photo.done = `${doneText(state)}${hintText(state)}`;
  speak(`${photo.file.name}: ${photo.done}.`);
  if (!shown || shown === photo) view(photo);
}

/* Server-sent events, by hand because EventSource sends no token; where they break off, polling. */
async function follow(state, show) {
  const response = await ask(state.events_url.slice(1));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      text += value;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const data = text.slice(0, end).split("\n").find((line) => line.startsWith("data: "));
        text = text.slice(end + 2);
        if (!data) continue;
        state = JSON.parse(data.slice(6));
        show(state);
      }
    }
  } catch {
    /* the loop below goes on */
  }
  while (state.status === "queued" || state.status === "running") {
    await pause(500);
    state = await (await ask(state.poll_url.slice(1))).json();
    show(state);
  }
  return state;
}

function cancelled(photo) {
  tell(photo, "cancelled");
  speak(`${photo.file.name}: cancelled.`);
}

async function cancel(photo) {
  if (!photo.begun) {
    ++photo.run;
    photo.busy = false;
    cancelled(photo);
    return acts(photo, "done");
  }
  photo.stopped = true;
  tell(photo, "is being cancelled", { bar: photo.bar.value });
  if (photo.id) await ask(`v1/jobs/${photo.id}/cancel`, { method: "POST" }).catch(() => {});
}

function remove(photo) {
  photo.removed = true;
  const next = photo.row.nextElementSibling ?? photo.row.previousElementSibling;
  photo.row.remove();
  photos.splice(photos.indexOf(photo), 1);
  for (const url of [photo.url, photo.resultUrl]) if (url) URL.revokeObjectURL(url);
  dropCopies(photo);
  if (shown === photo) {
    shown = null;
    const other = photos.find((one) => one.result);
    if (other) view(other);
    else {
      frame.clear();
      $("view").classList.add("empty");
      $("view-title").textContent = "Before and after";
      $("note").textContent = "";
    }
  }
  offerAll();
  (next?.querySelector(".acts > :last-child") ?? $("files")).focus({ preventScroll: true });
}

async function view(photo) {
  const fresh = shown !== photo;
  shown = photo;
  $("view").classList.remove("empty");
  $("view-title").textContent = photo.file.name;
  $("note").textContent = photo.done;
  for (const one of photos) {
    one.row.classList.toggle("shown", one === photo);
    one.row.setAttribute("aria-current", String(one === photo));
  }
  if (fresh) {
    frame.clear(); /* not one photograph under the name of another */
    frame.view.change({ zoom: 0, x: 0.5, y: 0.5, split: 0.5, difference: false });
  }
  const here = () => shown === photo && !photo.removed;
  try {
    await frame.show(photo.url, photo.resultUrl, photo.file.name);
  } catch {
    if (!here()) return;
    frame.clear();
    $("note").textContent = `${photo.done}. This browser cannot show the format: copies to look at are being made …`;
    try {
      const pair = await copies(photo);
      if (!here()) return;
      await frame.show(...pair, photo.file.name);
      $("note").textContent = `${photo.done}. What is shown are PNG copies; the result is in the photograph's own format.`;
    } catch {
      if (here()) $("note").textContent = `${photo.done}. This browser cannot show the format; the result can be downloaded.`;
    }
  }
}

/* PNG of a photograph and of its result, for formats that browsers do not know; kept until there is another result. */
async function copies(photo) {
  if (photo.copies) return photo.copies;
  const run = photo.run;
  const made = [];
  for (const picture of [photo.file, photo.result]) {
    const answer = await ask("v1/restore?wait=1&strength=0&format=png", { method: "POST", body: picture },
      undefined, () => photo.removed || photo.run !== run);
    if (!answer) throw new Failure("not wanted any more");
    made.push(URL.createObjectURL(await answer.blob()));
  }
  photo.copies = made;
  return made;
}

function dropCopies(photo) {
  for (const url of photo.copies ?? []) URL.revokeObjectURL(url);
  photo.copies = null;
}

async function saveAll() {
  const done = photos.filter((photo) => photo.result);
  const archive = done.length === 1 ? done[0].result
    : await zipOf(done.map((photo) => ({ name: photo.saveName, blob: photo.result })));
  const url = URL.createObjectURL(archive);
  element("a", { href: url, download: done.length === 1 ? done[0].saveName : "chiaro.zip" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

function take(files) {
  if (files.length) speak(`${files.length === 1 ? "One photograph" : `${files.length} photographs`} added.`);
  for (const file of files) add(file);
}

for (const name of ["strength", "grain", "severity"]) {
  $(name).addEventListener("input", () => {
    $(`${name}-value`).textContent = `${$(name).value} %`;
    allowSecondLook();
  });
}
$("kind").addEventListener("change", () => { showHowMuch(); allowSecondLook(); });
$("settings").addEventListener("submit", (event) => event.preventDefault());
$("token").addEventListener("change", load);
$("files").addEventListener("change", () => { take([...$("files").files]); $("files").value = ""; });
$("save-all").addEventListener("click", () => saveAll().catch((failure) => say(failure.message)));
$("again-all").addEventListener("click", () => photos.forEach(start));
for (const name of ["dragover", "dragenter"]) {
  document.addEventListener(name, (event) => { event.preventDefault(); $("drop").classList.add("over"); });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("drop").classList.remove("over"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  take([...event.dataTransfer.files]);
});
load();
