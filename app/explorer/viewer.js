// What the explorer and the side-by-side view have in common: one clip on screen, its current frame, a position that
// is followed, the keys and the link. Nothing here talks to the server; a link is made in the address bar.

const DISPLAY = { overlay: "value", palette: "inferno", opacities: OPACITY, threshold: 0, interpolation: "smooth", masks: false, rate: 1 };
const places = new Map(); // video -> { id, size, frame, position, … }: survives leaving the page and coming back

class Viewer {
  // A subclass has build() (controls of a new clip), changed() (after a change of anything but the frame), draw(),
  // grid() (that of the position, or null), describe() (the values at the position), address() (its part of a link).
  constructor(root, preferences) {
    Object.assign(this, { root, preferences, screens: [], pointer: null, position: null }); // points: x, y in 0 … 1
    this.find = (selector) => root.querySelector(selector);
    this.playback = new Playback(
      () => this.clip.fps * preferences.rate,
      (frames) => this.seek((this.frame + frames) % this.clip.frames.length),
    );
    this.stopListening = new AbortController();
    this.resizing = new ResizeObserver(() => this.fit());
    this.listen();
    this.watchDensity();
  }

  // How the video was left, whatever was looked at on it. A position is one of a region, which pictures of another size do not show.
  left(clip) {
    const left = places.get(clip.video);
    return left && left.size.join() !== clip.size.join() ? { ...left, position: null } : left;
  }

  leave(more) {
    const { id, video, size } = this.clip;
    places.set(video, { id, size, frame: this.frame, position: this.position, ...more });
  }

  open(clip, place) {
    this.pause();
    if (this.clip) release(this.clip);
    this.clip = clip;
    this.position = place.position ?? null;
    this.frame = Math.min(Math.max(place.frame, 0), clip.frames.length - 1);
    this.find(".frame").max = clip.frames.length - 1;
    this.root.classList.toggle("without-masks", !clip.masks);
    this.root.classList.toggle("without-acting", !clip.acting);
    this.root.style.setProperty("--aspect", `${clip.size[0]} / ${clip.size[1]}`);
    this.root.style.setProperty("--ratio", clip.size[0] / clip.size[1]);
    drawMarks(this.find(".marks"), clip);
    this.buildDisplay();
    this.build();
    this.changed();
    this.find(".waiting").hidden = false;
    Promise.allSettled(clip.frames.map((image) => image.decode().then(() => { if (image === clip.frames[this.frame]) this.draw(); })))
      .then(() => { if (this.clip === clip) { this.find(".waiting").hidden = true; this.draw(); } });
  }

  dispose() {
    this.pause();
    this.stopListening.abort();
    this.resizing.disconnect();
    if (this.clip) release(this.clip);
  }

  // ---- controls ----------------------------------------------------------------------------------------------------

  buildDisplay() {
    const { clip, preferences } = this;
    this.choices(".overlays", "overlay", Object.entries(OVERLAYS).map(([style, { name }]) => [style, name]), preferences.overlay);
    this.choices(".interpolations", "interpolation", [["smooth", "smooth"], ["cells", "cells"]], preferences.interpolation);
    this.choices(".palettes", "palette", Object.keys(clip.palettes).map((name) => [name, name]), preferences.palette);
    for (const label of this.root.querySelectorAll(".palettes label")) {
      label.style.setProperty("--swatch", gradient(clip.palettes[label.querySelector("input").value], "to right"));
    }
    this.find(".threshold").value = preferences.threshold;
    this.find(".show-masks").checked = preferences.masks;
    this.find(".rate").value = preferences.rate;
    this.find(".copy").disabled = !clip.link;
    this.find(".copy").title = clip.link ? "A link to this view" : "An uploaded file has no link";
    this.find(".link").hidden = true;
  }

  choices(selector, name, options, chosen) {
    for (const input of this.root.querySelectorAll(`${selector} input`)) input.name = ""; // Chromium keeps groups, and so these
    this.find(selector).replaceChildren(...options.map(([value, text]) => {
      const label = document.createElement("label");
      const input = Object.assign(document.createElement("input"), { type: "radio", name, value, checked: value === chosen });
      const caption = Object.assign(document.createElement("span"), { textContent: text });
      input.addEventListener("change", () => this.choose(name, value));
      label.append(input, caption);
      return label;
    }));
  }

  choose(name, value) {
    this.keep(name, value);
    this.changed();
  }

  // Each overlay has an opacity of its own.
  keep(name, value) {
    const { preferences } = this;
    if (name === "opacity") preferences.opacities = { ...preferences.opacities, [this.root.dataset.overlay]: value };
    else preferences[name] = value;
  }

  // Values as they are to be drawn: with the ends and the middle of their scale, the style and the colours of the overlay.
  drawn(values, limits, kind, source) {
    const { overlay, palette } = this.preferences;
    const style = styleOf(overlay, kind, source);
    const colours = style === "signed" ? this.clip.signed_palette : this.clip.palettes[palette];
    return { values, style, colours, ...scaleOf(limits, style) };
  }

  // What a link asks for, as text; null is not asked for. Values are a subclass's.
  askFor({ overlay, opacity, palette, threshold, interpolation, masks }) {
    const { preferences } = this;
    const chosen = { overlay, palette, interpolation, threshold: threshold && Number(threshold), masks: masks && true };
    for (const [name, value] of Object.entries(chosen)) preferences[name] = value ?? preferences[name];
    if (opacity) preferences.opacities = { ...preferences.opacities, [preferences.overlay]: Number(opacity) };
  }

  // The address names of the display what is not the first choice.
  addressOfDisplay({ style }) {
    const { opacities, palette, threshold, interpolation, masks } = this.preferences;
    const chosen = { overlay: style, opacity: opacities[style], palette, threshold, interpolation };
    const first = { ...DISPLAY, opacity: OPACITY[style] };
    const changed = Object.entries(chosen).filter(([name, value]) => value !== first[name]);
    return Object.fromEntries(masks ? [...changed, ["masks", "shown"]] : changed);
  }

  // What the display controls say, given the scale that is drawn and whether it could be signed.
  showDisplay({ low, high, style }, signable) {
    for (const input of this.root.querySelectorAll(".overlays input")) {
      input.checked = input.value === style;
      input.disabled = input.value === "signed" && !signable;
      input.parentElement.title = input.disabled ? "Of raw M only" : "";
    }
    this.find(".overlay-note").textContent = OVERLAYS[style].note;
    this.find(".palette-choice").disabled = style === "signed";
    this.root.dataset.overlay = style;
    const { opacities, threshold } = this.preferences;
    this.find(".opacity").value = opacities[style];
    this.find(".opacity-value").textContent = `${Math.round(100 * opacities[style])} %`;
    this.find(".threshold-value").textContent = threshold > 0 ? `≥ ${format(low + threshold * (high - low), high - low)}` : "off";
  }

  // ---- frames ------------------------------------------------------------------------------------------------------

  // After a change of the frame.
  moved() {
    const { clip, frame } = this;
    const last = clip.indices.at(-1), count = clip.indices.length; // of a long clip not every frame is shown
    const place = last < count ? `${clip.indices[frame]} / ${last}` : `${clip.indices[frame]} · ${frame + 1} of ${count} shown`;
    const facts = [`Frame ${place}`, `${(frame / clip.fps).toFixed(2)} s`];
    if (clip.sampled.includes(frame)) facts.push("sampled");
    if (clip.acting?.[frame]) facts.push("the action happens");
    this.find(".where").textContent = facts.join(" · ");
    const slider = this.find(".frame");
    slider.value = frame;
    slider.setAttribute("aria-valuetext", facts.join(", "));
    this.find(".played").style.right = `calc(100% - ${percent(frame, clip.frames.length)})`;
    moveCursor(this.find(".curve-plot"), frame, clip.frames.length);
    this.root.dataset.frame = frame;
    this.root.classList.toggle("masks-shown", this.preferences.masks && !!clip.masks);
    this.draw();
  }

  seek(frame) {
    this.frame = Math.min(Math.max(Math.round(frame), 0), this.clip.frames.length - 1);
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
    this.find(".play").setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  // The ends of the scale of the curve; one where it is flat.
  showRange([bottom, top]) {
    this.find(".curve-high").textContent = format(top, top - bottom);
    this.find(".curve-low").textContent = top > bottom ? format(bottom, top - bottom) : "";
  }

  fit() {
    this.screens.forEach((screen) => screen.fit());
    this.draw();
  }

  // Pixels may become denser at the same size, as on another monitor.
  watchDensity() {
    const density = window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
    const changed = () => { this.fit(); this.watchDensity(); };
    density.addEventListener("change", changed, { once: true, signal: this.stopListening.signal });
  }

  // ---- positions ---------------------------------------------------------------------------------------------------

  follow(point) {
    this.position = point;
    this.changed();
    this.find(".announcer").textContent = point ? this.describe() : "No position followed";
  }

  nudge(rows, columns) {
    const grid = this.grid();
    const { row, column } = cellAt(this.position ?? { x: 0.5, y: 0.5 }, grid);
    const centre = (index, cells) => (Math.min(cells - 1, Math.max(0, index)) + 0.5) / cells;
    this.follow({ x: centre(column + columns, grid.width), y: centre(row + rows, grid.height) });
  }

  // ---- the link ----------------------------------------------------------------------------------------------------

  async copyLink() {
    const address = new URL(window.location.href);
    const tab = address.searchParams.get("tab"); // below the clip: another one is opened without a word to this view
    const view = { ...this.clip.link, ...(tab && { tab }), ...this.address(), frame: this.clip.indices[this.frame] };
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

  // ---- what a person does ------------------------------------------------------------------------------------------

  on(target, event, handler) {
    target.addEventListener(event, handler, { signal: this.stopListening.signal });
  }

  // A picture that a person points at.
  addScreen(canvas) {
    const screen = new Screen(canvas);
    this.screens.push(screen);
    this.on(canvas, "pointermove", (event) => { this.pointer = pointIn(event, canvas); this.draw(); });
    this.on(canvas, "pointerleave", () => { this.pointer = null; this.draw(); });
    this.on(canvas, "click", (event) => { if (this.grid()) this.follow(pointIn(event, canvas)); });
    this.resizing.observe(canvas);
    return screen;
  }

  listen() {
    this.on(this.find(".frame"), "input", (event) => { this.pause(); this.seek(Number(event.target.value)); });
    this.on(this.find(".play"), "click", () => (this.playback.playing ? this.pause() : this.play()));
    this.on(this.find(".unpin"), "click", () => this.follow(null));
    this.on(this.find(".copy"), "click", () => this.copyLink());
    for (const name of ["opacity", "threshold"]) {
      this.on(this.find(`.${name}`), "input", (event) => this.choose(name, Number(event.target.value)));
    }
    this.on(this.find(".rate"), "change", (event) => this.choose("rate", Number(event.target.value)));
    this.on(this.find(".show-masks"), "change", (event) => this.choose("masks", event.target.checked));
    const scrub = (event) => { this.pause(); this.seek(pointIn(event, this.find(".curve-plot")).x * (this.clip.frames.length - 1)); };
    this.drag(this.find(".curve"), scrub);
    this.on(document, "keydown", (event) => this.key(event));
    // After a click on a choice the arrow keys should step frames again; with the keyboard they stay with the choice.
    this.on(this.root, "pointerup", () => setTimeout(() => {
      const focused = this.root.getRootNode().activeElement;
      if (focused?.matches(".controls input:not([type=range], [type=text]), .controls button, .timeline button")) focused.blur();
    }));
  }

  drag(element, moved) {
    this.on(element, "pointerdown", (event) => {
      if (event.button) return; // not the main one
      element.setPointerCapture(event.pointerId);
      moved(event);
    });
    this.on(element, "pointermove", (event) => { if (element.hasPointerCapture(event.pointerId)) moved(event); });
  }

  // Keys work anywhere on the page, except where a control has its own use for them.
  key(event) {
    if (!this.clip || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    const onScreen = this.screens.some(({ canvas }) => canvas === target);
    const onPage = target === document.body || target.matches?.("main"); // Streamlit's takes the focus of a click beside controls
    const ours = target === this.find(".frame") || onScreen || onPage;
    if (!ours && target.matches?.("input, select, textarea, button, a, summary, [role], [tabindex], [contenteditable]")) {
      if (event.key !== "Escape" || !this.root.contains(target)) return;
    }
    const last = this.clip.frames.length - 1;
    const arrows = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (event.shiftKey && arrows[event.key] && this.grid()) this.nudge(...arrows[event.key]);
    else if (event.key === "ArrowLeft") this.step(-1);
    else if (event.key === "ArrowRight") this.step(1);
    else if (event.key === " ") this.playback.playing ? this.pause() : this.play();
    else if (event.key === "Home" && !onPage) this.seek(0);
    else if (event.key === "End" && !onPage) this.seek(last);
    else if (event.key === "Enter" && onScreen && this.grid()) this.follow({ x: 0.5, y: 0.5 });
    else if (event.key === "Escape" && this.position) this.follow(null);
    else return;
    event.preventDefault();
  }
}

function pointIn(event, element) {
  const box = element.getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

function cellAt(point, grid) {
  if (!point || !grid) return null;
  const index = (part, cells) => Math.min(cells - 1, Math.max(0, Math.floor(part * cells)));
  return { row: index(point.y, grid.height), column: index(point.x, grid.width) };
}

// The ticks of a colour bar, from its low end. Limits that are percentiles leave extremes beyond them.
function ticks(low, high, percentiles = true) {
  return [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const beyond = percentiles ? { 0: "≤ ", 1: "≥ " }[part] ?? "" : "";
    return Object.assign(document.createElement("li"), { textContent: beyond + format(low + part * (high - low), high - low) });
  });
}

// The function that Streamlit calls on mounting and again with every rerun or change of theme; only another clip or
// other models load anything.
function mounted(Kind, selector) {
  const viewers = new WeakMap(); // parent element -> viewer
  return ({ parentElement, data }) => {
    const root = parentElement.querySelector(selector);
    let viewer = viewers.get(parentElement);
    if (!viewer || viewer.root !== root) {
      viewer?.dispose();
      viewer = new Kind(root);
      viewers.set(parentElement, viewer);
    }
    const { id, link } = header(data);
    if (viewer.clip?.id === id) viewer.clip.link = link;
    else viewer.load(data);
    return () => { viewer.dispose(); viewers.delete(parentElement); };
  };
}
