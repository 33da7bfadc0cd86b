// Two to four models on one clip: one frame, one block, one colour scale; the difference of two; two under a divider.

const preferences = { source: "actionness", kinds: {}, mode: "sides", pair: [0, 1], divide: 0.5, ...DISPLAY };
const MODES = { sides: "Side by side", difference: "With |A − B|", swipe: "Swipe" };
const LETTERS = "ABCD";

const hasGradcam = ({ sides }) => sides.some(({ maps }) => Object.keys(maps.gradcam ?? {}).length > 0);

class SideBySide extends Viewer {
  constructor(root) {
    super(root, preferences);
    this.swipe = [".under", ".over"].map((selector) => this.addScreen(this.find(selector)));
    const divider = this.find(".divider");
    this.drag(divider, (event) => this.divide(pointIn(event, this.find(".swipe .picture")).x));
    this.on(divider, "keydown", (event) => this.dividerKey(event));
    [".first", ".second"].forEach((selector, place) => {
      this.on(this.find(selector), "change", (event) => this.pairWith(place, Number(event.target.value)));
    });
  }

  load(message) {
    const clip = unpack(message);
    const left = this.left(clip); // a clip seen before opens so, whatever models are on it now
    const asked = left ? {} : clip.start;
    const oneOf = (values, ...wanted) => wanted.find((value) => values.includes(value)) ?? null;
    const sources = Object.keys(clip.sources).filter((source) => source !== "gradcam" || hasGradcam(clip));
    this.block = oneOf(clip.blocks, asked.block, this.block, clip.blocks.findLast((name) => name !== clip.together));
    const turned = this.clip && hasGradcam(clip) !== hasGradcam(this.clip); // what was asked for or done without is shown
    const wanted = turned ? (hasGradcam(clip) ? "gradcam" : "actionness") : asked.source;
    preferences.source = oneOf(sources, wanted, preferences.source, sources[0]);
    this.askFor(asked);
    preferences.mode = oneOf(Object.keys(MODES), asked.mode, preferences.mode);
    const { pair } = preferences;
    if (clip.sides.length === 2 || pair.some((side) => side >= clip.sides.length)) preferences.pair = [0, 1];
    this.open(clip, left ?? { frame: clip.start.frame });
  }

  askFor(asked) {
    super.askFor(asked);
    if (asked.overlay === "signed") preferences.kinds.actionness = "raw";
    if (asked.values) preferences.kinds[preferences.source] = asked.values;
    if (asked.pair) preferences.pair = [...asked.pair].map((letter) => LETTERS.toLowerCase().indexOf(letter));
  }

  // ---- what is on screen -------------------------------------------------------------------------------------------

  build() {
    const { clip } = this;
    for (const { screen } of this.panels ?? []) this.resizing.unobserve(screen.canvas);
    this.screens = [...this.swipe];
    this.panels = clip.sides.map((side, number) => this.sidePanel(side, number));
    this.gapPanel = this.panel(".difference-panel");
    this.panels.push(this.gapPanel);
    this.find(".panels").replaceChildren(...this.panels.map(({ element }) => element));
    clip.sides.forEach(({ colour }, side) => this.root.style.setProperty(`--side-${side}`, colour));
    this.root.querySelectorAll(".line-key").forEach((key) => key.remove());
    this.find(".legend").prepend(...clip.sides.map(({ name }, side) => this.lineKey(side, name)));
    this.root.dataset.sides = clip.sides.length;
    this.root.dataset.clip = clip.id;
    const sources = Object.entries(clip.sources).map(([source, { name }]) => [source, name]);
    this.choices(".sources", "source", sources, preferences.source);
    if (!hasGradcam(clip)) this.withoutGradcam();
    this.choices(".blocks", "block", clip.blocks.map((name) => [name, name]), this.block);
    this.choices(".modes", "mode", Object.entries(MODES), preferences.mode);
    this.buildKinds();
    for (const selector of [".first", ".second"]) {
      const options = clip.sides.map(({ name }, side) => new Option(`${LETTERS[side]} · ${name}`, side));
      this.find(selector).replaceChildren(...options);
    }
  }

  withoutGradcam() {
    const option = this.find(".sources input[value=gradcam]");
    if (!option) return;
    option.disabled = true;
    option.parentElement.title = this.clip.sides.map(({ absent }) => absent.gradcam).find(Boolean); // how to have it
  }

  buildKinds() {
    const kinds = this.kinds();
    const options = kinds.map((kind) => [kind, VALUES[preferences.source][kind].name]);
    this.choices(".kinds", "kind", options, this.kind());
    this.find(".values-choice").hidden = kinds.length === 1; // the colour bar names it
  }

  panel(template) {
    const element = this.find(template).content.cloneNode(true).firstElementChild;
    const screen = this.addScreen(element.querySelector("canvas"));
    return { element, screen, find: (selector) => element.querySelector(selector) };
  }

  sidePanel(side, number) {
    const panel = this.panel(".side-panel");
    panel.element.dataset.side = number;
    panel.element.setAttribute("aria-label", `${LETTERS[number]}: ${side.name}`);
    panel.find(".letter").textContent = LETTERS[number];
    panel.find("h3").textContent = panel.find("h3").title = side.name;
    if (side.correct !== null) {
      panel.find(".verdict").textContent = side.correct ? "✓ right" : "✗ wrong";
      panel.find(".verdict").classList.add(side.correct ? "is-right" : "is-wrong");
    }
    panel.find(".scores").replaceChildren(...classScores(side, this.clip.true_label));
    return panel;
  }

  lineKey(side, name) {
    const key = this.find(".line-key-template").content.cloneNode(true).firstElementChild;
    key.dataset.side = side;
    key.append(`${LETTERS[side]} · ${name}`);
    return key;
  }

  kinds() {
    return this.block === this.clip.together ? ["response"] : this.clip.sources[preferences.source].kinds;
  }

  kind() {
    const kinds = this.kinds();
    const chosen = preferences.kinds[preferences.source];
    return kinds.includes(chosen) ? chosen : kinds[0];
  }

  // What each side shows: `drawn` values with the height and width of their grid, or null without a map of this source and block.
  changed() {
    const { clip, block } = this;
    const { source, pair } = preferences;
    const kind = this.kind();
    const [low, high] = clip.scales[source][block]?.[kind] ?? [0, 1];
    const limits = { low, high, median: clip.medians[source][block]?.[kind] ?? low };
    this.scale = this.drawn(null, limits, kind, source); // one for all sides
    this.shown = clip.sides.map(({ maps }) => {
      const map = maps[source]?.[block];
      return map ? { ...this.scale, values: transformed(map, kind), height: map.height, width: map.width } : null;
    });
    const [a, b] = pair.map((side) => this.shown[side]);
    this.gap = preferences.mode === "difference" && a && b ? this.gapOf(a, b, kind === "softmax") : null;
    this.showScale();
    this.showSentences();
    this.showPair();
    this.showCurve();
    this.showDisplay(this.scale, source === "actionness" && kind === "raw");
    this.divide(preferences.divide);
    this.moved();
  }

  // A difference has no sign. It is kept: most changes are of how the same values are drawn.
  gapOf(a, b, areWeights) {
    const { first, second } = this.gapFound ?? {};
    if (first !== a.values || second !== b.values) {
      const found = difference(a, b, areWeights);
      const high = found.values.reduce((most, value) => Math.max(most, value), 0) || 1;
      this.gapFound = { first: a.values, second: b.values, gap: { ...found, low: 0, high, median: medianOf(found.values) } };
    }
    const style = preferences.overlay === "flat" ? "flat" : "value";
    return { ...this.gapFound.gap, style, colours: this.clip.difference_palette };
  }

  showScale() {
    const { clip, scale, block } = this;
    const { source, mode } = preferences;
    const { symbol, note } = VALUES[source][this.kind()];
    Object.assign(this.root.dataset, { block: this.block ?? "", source, mode, kind: this.kind() });
    const without = clip.sides.filter(({ locator }) => !locator).map(({ name }) => name);
    const missing = source === "actionness" && without.length && block !== clip.together
      ? ` Raw M is not offered: ${without.join(" and ")} ${without.length > 1 ? "have" : "has"} none.` : "";
    this.find(".note").textContent = note + BEYOND + missing;
    this.find(".bar-name").textContent = symbol;
    this.find(".scale").hidden = !this.shown.some(Boolean);
    this.find(".bar-scale").style.background = gradient(scale.colours, "to right", scale);
    this.find(".bar-cut").style.width = `${100 * preferences.threshold}%`;
    this.find(".bar-ticks").replaceChildren(...ticks(scale.low, scale.high));
  }

  showSentences() {
    const { clip, block } = this;
    const source = { key: preferences.source, name: clip.sources[preferences.source].name };
    clip.sides.forEach((side, number) => {
      this.panels[number].find(".sentence").textContent = sentence(side, source, block, this.shown[number], block === clip.together);
    });
  }

  showPair() {
    const { gapPanel, gap } = this;
    const letters = preferences.pair.map((side) => LETTERS[side]);
    gapPanel.find("h3").textContent = `|${letters.join(" − ")}|`;
    gapPanel.find(".sentence").textContent = this.gapSentence();
    gapPanel.find(".scale-bar").hidden = !gap;
    if (gap) {
      gapPanel.find(".bar-scale").style.background = gradient(gap.colours, "to right", gap);
      gapPanel.find(".bar-ticks").replaceChildren(...ticks(0, gap.high, false));
    }
    this.clip.sides.forEach((_, side) => this.panels[side].element.classList.toggle("apart", !preferences.pair.includes(side)));
    [".first", ".second"].forEach((selector, place) => { this.find(selector).value = preferences.pair[place]; });
    [".left", ".right"].forEach((selector, place) => {
      this.find(selector).textContent = letters[place];
      this.find(selector).dataset.side = preferences.pair[place];
    });
  }

  gapSentence() {
    if (preferences.mode !== "difference") return "";
    const shown = preferences.pair.map((side) => this.shown[side]);
    const missing = preferences.pair.filter((_, place) => !shown[place]).map((side) => LETTERS[side]);
    if (missing.length) return `No difference to show: ${missing.join(" and ")} ${missing.length > 1 ? "have" : "has"} no map here.`;
    const same = shown[0].height === shown[1].height && shown[0].width === shown[1].width;
    return same ? "The size of the difference, without its sign. Its scale is separate." : `On the finer grid, ${this.gap.height}×${this.gap.width}. Its scale is separate.`;
  }

  showCurve() {
    const { symbol, name } = VALUES[preferences.source][this.kind()];
    const grid = this.grid();
    const followed = cellAt(this.position, grid);
    const lines = this.shown.flatMap((shown, side) => {
      if (!shown) return [];
      const cell = cellAt(this.position, shown);
      return [[`line-${side}`, cell ? following(shown.values, shown, cell) : peaks(shown.values, shown.height * shown.width)]];
    });
    this.showRange(drawCurve(this.find(".curve-plot"), lines));
    this.root.classList.toggle("without-maps", !lines.length);
    this.root.querySelectorAll(".line-key").forEach((key) => { key.hidden = !this.shown[key.dataset.side]; });
    const note = followed
      ? `${symbol} at row ${followed.row}, column ${followed.column} of ${grid.height}×${grid.width}`
      : `peak of ${symbol} in each frame · click a picture to follow one position`;
    this.find(".curve-note").textContent = note;
    this.find(".curve-plot").setAttribute("aria-label", `${name} of ${this.block} over time, one line per model: ${note}`);
    this.find(".unpin").style.visibility = followed ? "visible" : "hidden";
  }

  moved() {
    const { clip, frame } = this;
    this.leave();
    const source = clip.sources[preferences.source].name;
    const label = (side) => `${clip.alt}, frame ${clip.indices[frame]}, ${source} of ${clip.sides[side].name} at ${this.block}`;
    clip.sides.forEach((_, side) => this.panels[side].screen.canvas.setAttribute("aria-label", label(side)));
    this.gapPanel.screen.canvas.setAttribute("aria-label", `${clip.alt}, frame ${clip.indices[frame]}, ${this.gapPanel.find("h3").textContent} at ${this.block}`);
    this.swipe.forEach(({ canvas }, place) => canvas.setAttribute("aria-label", label(preferences.pair[place])));
    super.moved();
  }

  draw() {
    if (!this.clip) return;
    const { clip, frame } = this;
    const { mode, pair } = preferences;
    const paint = (screen, shown, threshold = preferences.threshold) => {
      const view = { ...preferences, threshold, frame, block: shown, shown };
      screen.draw(clip, view, { hovered: cellAt(this.pointer, shown), followed: cellAt(this.position, shown) });
    };
    if (mode === "swipe") this.swipe.forEach((screen, place) => paint(screen, this.shown[pair[place]]));
    else this.shown.forEach((shown, side) => paint(this.panels[side].screen, shown));
    if (mode === "difference") paint(this.gapPanel.screen, this.gap, 0);
    const point = this.pointer ?? this.position;
    const symbol = VALUES[preferences.source][this.kind()].symbol;
    const isWeight = this.kind() === "softmax";
    this.shown.forEach((shown, side) => {
      this.panels[side].find(".value").textContent = shown ? valueText(shown, frame, point, symbol, isWeight) : "";
    });
    const gapSymbol = this.gapPanel.find("h3").textContent;
    this.gapPanel.find(".value").textContent = this.gap ? valueText(this.gap, frame, point, gapSymbol, false) : "";
    const cell = cellAt(point, this.grid());
    this.find(".readout").textContent = cell ? `row ${cell.row}, column ${cell.column} of ${this.grid().height}×${this.grid().width}` : "";
  }

  // The finest grid on screen.
  grid() {
    return this.shown.reduce((best, shown) => (shown && !(best && best.height * best.width >= shown.height * shown.width) ? shown : best), null);
  }

  describe() {
    const values = this.panels.slice(0, this.clip.sides.length).map((panel, side) => `${LETTERS[side]}: ${panel.find(".value").textContent}`);
    return `${this.find(".readout").textContent}. ${values.join("; ")}`;
  }

  address() {
    const { source, mode, pair } = preferences;
    const values = this.kind() !== this.kinds()[0] && { values: this.kind() };
    const letters = pair.map((side) => LETTERS[side].toLowerCase()).join("");
    const chosen = letters !== "ab" && { pair: letters };
    return { ...(this.block && { block: this.block }), source, mode, ...chosen, ...values, ...this.addressOfDisplay(this.scale) };
  }

  // ---- what a person does ------------------------------------------------------------------------------------------

  choose(name, value) {
    if (name === "block") this.block = value;
    else if (name === "kind") preferences.kinds[preferences.source] = value;
    else this.keep(name, value);
    if (name === "source" || name === "block") this.buildKinds();
    this.changed();
  }

  // The two of a pair are never the same side: choosing the other one exchanges them.
  pairWith(place, side) {
    const { pair } = preferences;
    if (pair[1 - place] === side) pair[1 - place] = pair[place];
    pair[place] = side;
    this.changed();
  }

  divide(part) {
    preferences.divide = Math.min(Math.max(part, 0), 1);
    const left = Math.round(100 * preferences.divide);
    const [a, b] = preferences.pair.map((side) => this.clip.sides[side].name);
    this.root.style.setProperty("--divide", `${100 * preferences.divide}%`);
    this.find(".divider").setAttribute("aria-valuenow", left);
    this.find(".divider").setAttribute("aria-valuetext", `${left} % ${a}, ${100 - left} % ${b}`);
  }

  dividerKey(event) {
    const by = event.shiftKey ? 0.1 : 0.02;
    const to = { ArrowLeft: preferences.divide - by, ArrowRight: preferences.divide + by, Home: 0, End: 1 }[event.key];
    if (to === undefined) return;
    this.divide(to);
    event.preventDefault();
  }
}

export default mounted(SideBySide, ".sides");
