// One explorer: its state and its controls. Nothing here talks to the server; a link is made in the address bar.

const preferences = {
  normalisation: "raw", palette: "inferno", opacity: 0.55, threshold: 0, interpolation: "smooth", masks: false, rate: 1,
};
const places = new Map(); // clip id -> { frame, block, position }: survives leaving the page and coming back

class Explorer {
  constructor(root) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    this.screen = new Screen(this.find(".screen"));
    this.pointer = null; // { x, y } in 0 … 1
    this.playback = new Playback(
      () => this.clip.fps * preferences.rate,
      (frames) => this.seek((this.frame + frames) % this.clip.frames.length),
    );
    this.stopListening = new AbortController();
    this.listen();
    this.resizing = new ResizeObserver(() => { this.screen.fit(); this.draw(); });
    this.resizing.observe(this.find(".screen"));
  }

  load(clip) {
    this.pause();
    if (this.clip) release(this.clip);
    const previousBlock = this.block?.name;
    this.clip = clip;
    this.screen.outlines.clear();
    const place = places.get(clip.id) ?? { ...clip.start, block: clip.start.asked ? clip.start.block : previousBlock };
    this.block = clip.blocks.find((block) => block.name === place.block)
      ?? clip.blocks.find((block) => block.name === clip.start.block) ?? clip.blocks.at(-1) ?? null;
    this.position = place.position ?? null;
    this.frame = Math.min(Math.max(place.frame, 0), clip.frames.length - 1);
    this.build();
    this.changed();
    this.find(".waiting").hidden = false;
    Promise.all(clip.frames.map((image) => image.decode().then(() => { if (image === clip.frames[this.frame]) this.draw(); })))
      .finally(() => { if (this.clip === clip) { this.find(".waiting").hidden = true; this.draw(); } });
  }

  dispose() {
    this.pause();
    this.stopListening.abort();
    this.resizing.disconnect();
    if (this.clip) release(this.clip);
  }

  // ---- what is on screen -------------------------------------------------------------------------------------------

  build() {
    const { clip } = this;
    const count = clip.frames.length;
    this.root.style.setProperty("--aspect", `${clip.size[0]} / ${clip.size[1]}`);
    this.root.style.setProperty("--ratio", clip.size[0] / clip.size[1]);
    this.root.classList.toggle("without-maps", clip.blocks.length === 0);
    this.root.classList.toggle("without-masks", !clip.masks);
    this.root.classList.toggle("without-acting", !clip.acting);
    this.find(".frame").max = count - 1;
    drawMarks(this.find(".marks"), clip);
    this.choices(".blocks", "block", clip.blocks.map(({ name, height, width }) => [name, `${name} · ${height}×${width}`]));
    this.choices(".normalisations", "normalisation", Object.entries(NORMALISATIONS).map(([key, { name }]) => [key, name]));
    this.choices(".interpolations", "interpolation", [["smooth", "smooth"], ["cells", "cells"]]);
    this.choices(".palettes", "palette", Object.keys(clip.palettes).map((name) => [name, name]));
    for (const label of this.root.querySelectorAll(".palettes label")) {
      label.firstChild.nextSibling.style.setProperty("--swatch", gradient(clip.palettes[label.firstChild.value], "to right"));
    }
    this.find(".opacity").value = preferences.opacity;
    this.find(".threshold").value = preferences.threshold;
    this.find(".show-masks").checked = preferences.masks;
    this.find(".rate").value = preferences.rate;
    this.find(".copy").disabled = !clip.link;
    this.find(".copy").title = clip.link ? "A link to this clip, checkpoint, block and frame" : "An uploaded file has no address to link to";
    this.find(".link").hidden = true;
  }

  choices(selector, name, options) {
    const chosen = name === "block" ? this.block?.name : preferences[name];
    const group = `${name}-${this.clip.id}`;
    this.find(selector).replaceChildren(...options.map(([value, text]) => {
      const label = document.createElement("label");
      const input = Object.assign(document.createElement("input"), { type: "radio", name: group, value, checked: value === chosen });
      const caption = Object.assign(document.createElement("span"), { textContent: text });
      input.addEventListener("change", () => this.choose(name, value));
      label.append(input, caption);
      return label;
    }));
  }

  choose(name, value) {
    if (name === "block") this.block = this.clip.blocks.find((block) => block.name === value);
    else preferences[name] = value;
    this.changed();
  }

  // After a change of anything but the frame.
  changed() {
    const { block, clip } = this;
    if (block) {
      this.shown = normalised(block, preferences.normalisation);
      const { low, high } = this.shown;
      const { name, symbol, note } = NORMALISATIONS[preferences.normalisation];
      this.find(".note").textContent = note;
      this.find(".bar-name").textContent = symbol;
      this.find(".bar").title = `${name} of ${block.name}: one scale for all ${clip.frames.length} frames`;
      this.find(".bar-scale").style.background = gradient(clip.palettes[preferences.palette], "to top");
      this.find(".bar-cut").style.height = `${100 * preferences.threshold}%`;
      this.find(".bar-ticks").replaceChildren(...[1, 0.75, 0.5, 0.25, 0].map((part) => {
        const beyond = { 0: "≤ ", 1: "≥ " }[part] ?? "";
        return Object.assign(document.createElement("li"), { textContent: beyond + format(low + part * (high - low), high - low) });
      }));
      this.find(".opacity-value").textContent = `${Math.round(100 * preferences.opacity)} %`;
      this.find(".threshold-value").textContent = preferences.threshold > 0
        ? `≥ ${format(low + preferences.threshold * (high - low), high - low)}` : "off";
      const followed = this.cellAt(this.position);
      const [bottom, top] = drawCurve(this.find(".curve-plot"), series(this.shown, block, followed));
      this.find(".curve-high").textContent = format(top, top - bottom);
      this.find(".curve-low").textContent = format(bottom, top - bottom);
      this.find(".curve-note").textContent = followed
        ? `${symbol} at row ${followed.row}, column ${followed.column}` : `peak of ${symbol} in each frame · click the picture to follow one position`;
      this.find(".curve-plot").setAttribute("aria-label", `${name} of ${block.name} over time: ${this.find(".curve-note").textContent}`);
      this.find(".unpin").style.visibility = followed ? "visible" : "hidden";
    }
    this.root.classList.toggle("masks-shown", preferences.masks && !!clip.masks);
    this.moved();
  }

  // After a change of the frame.
  moved() {
    const { clip, frame } = this;
    const seconds = (frame / clip.fps).toFixed(2);
    const facts = [`Frame ${clip.indices[frame]} / ${clip.indices.at(-1)}`, `${seconds} s`];
    if (clip.sampled.includes(frame)) facts.push("sampled");
    if (clip.acting?.[frame]) facts.push("hand acts");
    this.find(".where").textContent = facts.join(" · ");
    const slider = this.find(".frame");
    slider.value = frame;
    slider.setAttribute("aria-valuetext", facts.join(", "));
    this.find(".played").style.right = `calc(100% - ${percent(frame, clip.frames.length)})`;
    moveCursor(this.find(".curve-plot"), frame, clip.frames.length);
    places.set(clip.id, { frame, block: this.block?.name, position: this.position });
    Object.assign(this.root.dataset, { frame, block: this.block?.name ?? "", clip: clip.id });
    this.find(".screen").setAttribute("aria-label", `${clip.alt}, frame ${frame}${this.block ? `, actionness of ${this.block.name} overlaid` : ""}`);
    this.draw();
  }

  draw() {
    if (!this.clip) return;
    const hovered = this.cellAt(this.pointer);
    const followed = this.cellAt(this.position);
    const view = { ...preferences, frame: this.frame, block: this.block, shown: this.shown };
    this.screen.draw(this.clip, view, { hovered, followed });
    this.find(".readout").textContent = this.describe(hovered ?? followed);
  }

  cellAt(point) {
    if (!point || !this.block) return null;
    const { height, width } = this.block;
    const index = (part, cells) => Math.min(cells - 1, Math.max(0, Math.floor(part * cells)));
    return { row: index(point.y, height), column: index(point.x, width) };
  }

  describe(cell) {
    if (!cell) return "";
    const { name, height, width } = this.block;
    const value = this.shown.values[(this.frame * height + cell.row) * width + cell.column];
    return `${name} · row ${cell.row}, column ${cell.column} · ${NORMALISATIONS[preferences.normalisation].symbol} = ${format(value)}`;
  }

  // ---- what a person does ------------------------------------------------------------------------------------------

  seek(frame) {
    const count = this.clip.frames.length;
    this.frame = Math.min(Math.max(Math.round(frame), 0), count - 1);
    this.moved();
  }

  step(by) {
    this.pause();
    const count = this.clip.frames.length;
    this.seek((this.frame + by + count) % count);
  }

  play() {
    this.playback.start();
    this.showPlaying();
  }

  pause() {
    this.playback.stop();
    this.showPlaying();
  }

  showPlaying() {
    const { playing } = this.playback;
    this.root.classList.toggle("playing", playing);
    this.find(".play").setAttribute("aria-pressed", playing);
    this.find(".play").setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  follow(point) {
    this.position = point;
    this.changed();
    this.find(".announcer").textContent = point ? this.describe(this.cellAt(point)) : "No position followed";
  }

  nudge(rows, columns) {
    const { row, column } = this.cellAt(this.position ?? { x: 0.5, y: 0.5 });
    const { height, width } = this.block;
    const centre = (index, cells) => (Math.min(cells - 1, Math.max(0, index)) + 0.5) / cells;
    this.follow({ x: centre(column + columns, width), y: centre(row + rows, height) });
  }

  async copyLink() {
    const address = new URL(window.location.href);
    const view = { ...this.clip.link, ...(this.block && { block: this.block.name }), frame: this.clip.indices[this.frame] };
    address.search = new URLSearchParams(view).toString();
    window.history.replaceState(window.history.state, "", address);
    const field = this.find(".link");
    field.value = address.href;
    try {
      await navigator.clipboard.writeText(address.href);
      this.find(".copy").textContent = "Link copied";
      this.find(".announcer").textContent = "Link copied";
      setTimeout(() => { this.find(".copy").textContent = "Copy link"; }, 1600);
    } catch {
      field.hidden = false; // no clipboard (an insecure origin, or refused): the link is there to be copied by hand
      field.select();
    }
  }

  listen() {
    const on = (target, event, handler) =>
      target.addEventListener(event, handler, { signal: this.stopListening.signal });
    const screen = this.find(".screen");
    const point = (event, element) => {
      const box = element.getBoundingClientRect();
      return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
    };
    on(screen, "pointermove", (event) => { this.pointer = point(event, screen); this.draw(); });
    on(screen, "pointerleave", () => { this.pointer = null; this.draw(); });
    on(screen, "click", (event) => { if (this.block) this.follow(point(event, screen)); });
    on(this.find(".frame"), "input", (event) => { this.pause(); this.seek(Number(event.target.value)); });
    on(this.find(".play"), "click", () => (this.playback.playing ? this.pause() : this.play()));
    on(this.find(".unpin"), "click", () => this.follow(null));
    on(this.find(".copy"), "click", () => this.copyLink());
    for (const name of ["opacity", "threshold"]) {
      on(this.find(`.${name}`), "input", (event) => this.choose(name, Number(event.target.value)));
    }
    on(this.find(".rate"), "change", (event) => this.choose("rate", Number(event.target.value)));
    on(this.find(".show-masks"), "change", (event) => this.choose("masks", event.target.checked));
    const curve = this.find(".curve");
    const scrub = (event) => { this.pause(); this.seek(point(event, this.find(".curve-plot")).x * (this.clip.frames.length - 1)); };
    on(curve, "pointerdown", (event) => { curve.setPointerCapture(event.pointerId); scrub(event); });
    on(curve, "pointermove", (event) => { if (curve.hasPointerCapture(event.pointerId)) scrub(event); });
    on(document, "keydown", (event) => this.key(event));
    // After a click on a choice the arrow keys should step frames again; with the keyboard they stay with the choice.
    on(this.find(".controls"), "pointerup", () => setTimeout(() => {
      const focused = this.root.getRootNode().activeElement;
      if (focused?.matches(".controls input:not([type=range], [type=text]), .controls button")) focused.blur();
    }));
  }

  // Keys work anywhere on the page, except where a control has its own use for them.
  key(event) {
    if (!this.clip || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    const ours = target === this.find(".frame") || target === this.find(".screen") || target === document.body;
    if (!ours && target.matches?.("input, select, textarea, button, a, summary, [role], [tabindex], [contenteditable]")) {
      if (event.key !== "Escape" || !this.root.contains(target)) return;
    }
    const last = this.clip.frames.length - 1;
    const arrows = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (event.shiftKey && arrows[event.key] && this.block) this.nudge(...arrows[event.key]);
    else if (event.key === "ArrowLeft") this.step(-1);
    else if (event.key === "ArrowRight") this.step(1);
    else if (event.key === " ") this.playback.playing ? this.pause() : this.play();
    else if (event.key === "Home" && target !== document.body) this.seek(0);
    else if (event.key === "End" && target !== document.body) this.seek(last);
    else if (event.key === "Enter" && target === this.find(".screen") && this.block) this.follow({ x: 0.5, y: 0.5 });
    else if (event.key === "Escape" && this.position) this.follow(null);
    else return;
    event.preventDefault();
  }
}

const explorers = new WeakMap(); // parent element -> Explorer

// Streamlit calls this on mounting and again with every rerun or change of theme; only a new clip reloads anything.
export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".explorer");
  let explorer = explorers.get(parentElement);
  if (!explorer || explorer.root !== root) {
    explorer?.dispose();
    explorer = new Explorer(root);
    explorers.set(parentElement, explorer);
  }
  if (explorer.clip?.id !== header(data).id) explorer.load(unpack(data));
  return () => { explorer.dispose(); explorers.delete(parentElement); };
}
