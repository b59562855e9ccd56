/* Two pictures in one frame: a border to move, zoom, difference. Of the server's page and of reports. */
"use strict";

/* What frames that belong together show: the same place at the same size. */
class SharedView {
  constructor() {
    this.frames = new Set();
    this.zoom = 0; /* 0: the whole picture; else screen pixels per picture pixel */
    this.x = 0.5; /* of the picture, at the centre of the frame */
    this.y = 0.5;
    this.split = 0.5; /* of the frame's width */
    this.difference = false;
  }
  change(what) {
    Object.assign(this, what);
    for (const frame of this.frames) frame.draw();
  }
}

class CompareFrame {
  constructor(root, view = new SharedView()) {
    this.view = view;
    this.root = root;
    this.pointers = new Map();
    root.classList.add("compare");
    root.innerHTML = `
      <div class="compare-stage" tabindex="0" role="group">
        <div class="compare-pictures"></div>
        <span class="compare-line" aria-hidden="true"></span>
        <span class="compare-tag compare-left" aria-hidden="true">before</span>
        <span class="compare-tag compare-right" aria-hidden="true">after</span>
      </div>
      <div class="compare-controls" role="group" aria-label="View">
        <label class="compare-slide"><span>Before</span><input type="range" min="0" max="100" value="50"
          aria-label="Border between before and after"><span>After</span></label>
        <span class="compare-zoom" role="group" aria-label="Zoom">
          <button type="button" data-do="out" aria-label="Smaller">−</button>
          <output class="compare-scale" aria-live="off"></output>
          <button type="button" data-do="in" aria-label="Larger">+</button>
          <button type="button" data-do="fit">Whole</button>
          <button type="button" data-do="one">1:1</button>
        </span>
        <button type="button" data-do="difference" aria-pressed="false">Difference</button>
      </div>`;
    const part = (name) => root.querySelector(name);
    this.stage = part(".compare-stage");
    this.pictures = part(".compare-pictures");
    this.width = 0; /* of the pictures; 0: there are none yet */
    this.height = 0;
    this.line = part(".compare-line");
    this.slide = part("input");
    this.listen();
    view.frames.add(this);
  }

  /* Resolves when both are there; until then the old ones stay. Rejects where the browser cannot show one. */
  async show(before, after, name) {
    const wanted = (this.wanted = {});
    const load = async (url, kind, text) => {
      const picture = new Image();
      Object.assign(picture, { src: url, className: `compare-${kind}`, alt: `${text}: ${name}`, draggable: false });
      await picture.decode();
      return picture;
    };
    const pair = await Promise.all([load(before, "before", "Before"), load(after, "after", "After")]);
    if (this.wanted !== wanted) return;
    this.pictures.replaceChildren(...pair);
    [this.before, this.after] = pair;
    this.width = this.after.naturalWidth;
    this.height = this.after.naturalHeight;
    this.stage.setAttribute("aria-label",
      `${name}, before and after. Plus and minus zoom, 0 shows the whole, arrows move.`);
    this.root.querySelector(".compare-controls").setAttribute("aria-label", `View of ${name}`);
    this.draw();
  }

  /* Nothing to be seen, and what was on its way does not come. */
  clear() {
    this.wanted = null;
    this.pictures.replaceChildren();
    this.before = this.after = null;
    this.width = this.height = 0;
    this.line.style.left = "";
    this.stage.setAttribute("aria-label", "No pictures");
    this.root.querySelector(".compare-scale").textContent = "";
  }

  get fitting() { return Math.min(this.stage.clientWidth / this.width, this.stage.clientHeight / this.height); }
  get scale() { return this.view.zoom || this.fitting; }
  /* There is more of the picture than is seen. */
  get zoomed() { return this.view.zoom > this.fitting; }

  draw() {
    const { view, stage } = this;
    if (!this.width) return;
    const scale = this.scale;
    /* The edge of the picture does not come further in than the edge of the frame. */
    const place = (room, size, centre) =>
      size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, room / 2 - centre * size));
    /* On whole pixels of the screen: between them 1:1 would be blurred. */
    const whole = (value) => Math.round(value * devicePixelRatio) / devicePixelRatio;
    const left = whole(place(stage.clientWidth, this.width * scale, view.x));
    const top = whole(place(stage.clientHeight, this.height * scale, view.y));
    for (const picture of [this.before, this.after]) {
      picture.style.width = `${this.width}px`;
      picture.style.height = `${this.height}px`;
    }
    this.pictures.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
    const border = view.split * stage.clientWidth;
    const cut = Math.min(this.width, Math.max(0, (border - left) / scale));
    this.after.style.clipPath = view.difference ? "none" : `inset(0 0 0 ${cut}px)`;
    this.before.style.clipPath = view.difference ? "none" : `inset(0 ${this.width - cut}px 0 0)`;
    this.line.style.left = `${border}px`;
    this.slide.value = String(Math.round(view.split * 100));
    this.slide.disabled = view.difference;
    this.root.classList.toggle("compare-difference", view.difference);
    this.root.classList.toggle("compare-zoomed", this.zoomed);
    this.root.classList.toggle("compare-large", scale >= 2);
    this.root.querySelector("[data-do=difference]").setAttribute("aria-pressed", String(view.difference));
    /* Of frames that move together the one in use says it alone. */
    const said = this.root.querySelector(".compare-scale");
    said.setAttribute("aria-live", this.root.contains(document.activeElement) ? "polite" : "off");
    said.textContent = `${Math.round(scale * 100)} %`;
  }

  /* The point of the picture below (left, top) of the frame stays there. */
  zoomTo(scale, left = this.stage.clientWidth / 2, top = this.stage.clientHeight / 2) {
    if (!this.width) return;
    const next = Math.min(16, scale);
    if (next <= this.fitting) return this.view.change({ zoom: 0, x: 0.5, y: 0.5 });
    const box = new DOMMatrix(this.pictures.style.transform);
    const at = (point, start, size, room) => {
      const fraction = (point - start) / (size * box.a);
      return fraction + (room / 2 - point) / (size * next);
    };
    this.view.change({
      zoom: next,
      x: at(left, box.e, this.width, this.stage.clientWidth),
      y: at(top, box.f, this.height, this.stage.clientHeight),
    });
  }

  /* One to one, even where that is smaller than the frame. */
  showPixels() {
    if (this.width && this.fitting > 1) this.view.change({ zoom: 1, x: 0.5, y: 0.5 });
    else this.zoomTo(1);
  }

  moveBy(right, down) {
    if (!this.width) return;
    const limit = (value, size, room) => {
      const half = Math.min(0.5, room / 2 / (size * this.scale));
      return Math.min(1 - half, Math.max(half, value));
    };
    this.view.change({
      x: limit(this.view.x - right / (this.width * this.scale), this.width, this.stage.clientWidth),
      y: limit(this.view.y - down / (this.height * this.scale), this.height, this.stage.clientHeight),
    });
  }

  place(event) {
    const box = this.stage.getBoundingClientRect();
    return { x: event.clientX - box.left - this.stage.clientLeft, y: event.clientY - box.top - this.stage.clientTop };
  }

  listen() {
    const { stage, view } = this;
    this.slide.addEventListener("input", () => view.change({ split: this.slide.value / 100 }));
    this.root.querySelector(".compare-controls").addEventListener("click", (event) => {
      const wanted = event.target.dataset.do;
      if (wanted === "in") this.zoomTo(this.scale * 1.5);
      if (wanted === "out") this.zoomTo(this.scale / 1.5);
      if (wanted === "fit") this.zoomTo(0);
      if (wanted === "one") this.showPixels();
      if (wanted === "difference") view.change({ difference: !view.difference });
    });
    stage.addEventListener("keydown", (event) => {
      const step = 48;
      const keys = {
        "+": () => this.zoomTo(this.scale * 1.5), "=": () => this.zoomTo(this.scale * 1.5),
        "-": () => this.zoomTo(this.scale / 1.5), 0: () => this.zoomTo(0),
        ArrowLeft: () => this.moveBy(step, 0), ArrowRight: () => this.moveBy(-step, 0),
        ArrowUp: () => this.moveBy(0, step), ArrowDown: () => this.moveBy(0, -step),
      };
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      if (!this.zoomed && event.key.startsWith("Arrow")) return; /* the page scrolls */
      event.preventDefault();
      keys[event.key]();
    });
    stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && document.activeElement !== stage) return; /* else the page scrolls */
      event.preventDefault();
      const { x, y } = this.place(event);
      this.zoomTo(this.scale * 1.0015 ** -event.deltaY, x, y);
    }, { passive: false });
    stage.addEventListener("pointerdown", (event) => {
      const point = this.place(event);
      const reach = event.pointerType === "touch" ? 32 : 16;
      point.border = !view.difference &&
        (!this.zoomed || Math.abs(point.x - view.split * stage.clientWidth) < reach);
      this.pointers.set(event.pointerId, point);
      stage.setPointerCapture(event.pointerId);
      if (this.pointers.size === 1) this.drag(event.pointerId, point);
    });
    stage.addEventListener("pointermove", (event) => {
      if (this.pointers.has(event.pointerId)) this.drag(event.pointerId, this.place(event));
    });
    for (const end of ["pointerup", "pointercancel"])
      stage.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
    new ResizeObserver(() => this.draw()).observe(stage);
  }

  /* One pointer moves the border or the picture, two zoom. */
  drag(id, point) {
    const last = this.pointers.get(id);
    this.pointers.set(id, { ...point, border: last.border });
    if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([key]) => key !== id).map(([, value]) => value);
      const apart = (a) => Math.hypot(a.x - other.x, a.y - other.y);
      if (apart(last) > 8) this.zoomTo(this.scale * apart(point) / apart(last), (point.x + other.x) / 2, (point.y + other.y) / 2);
    } else if (last.border) {
      this.view.change({ split: Math.min(1, Math.max(0, point.x / this.stage.clientWidth)) });
    } else {
      this.moveBy(point.x - last.x, point.y - last.y);
    }
  }
}
