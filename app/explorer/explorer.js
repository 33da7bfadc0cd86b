// The explorer: the blocks of one checkpoint on one clip.

const preferences = { normalisation: "raw", ...DISPLAY };

class Explorer extends Viewer {
  constructor(root) {
    super(root, preferences);
    this.screen = this.addScreen(this.find(".screen"));
  }

  load(message) {
    const clip = unpack(message);
    const { start } = clip;
    const left = this.left(clip);
    const isBack = left?.id === clip.id; // opens as it was left, whatever the link asked for at first
    const asks = (name) => !isBack && start.asked.includes(name);
    if (!isBack) this.askFor(start);
    const named = (name) => clip.blocks.find((block) => block.name === name);
    const block = isBack ? left.block : this.block?.name;
    this.block = named(asks("block") ? start.block : block) ?? named(start.block) ?? clip.blocks.at(-1) ?? null;
    this.open(clip, left && !asks("frame") ? left : start);
  }

  askFor(asked) {
    super.askFor(asked);
    preferences.normalisation = asked.values ?? (asked.overlay === "signed" ? "raw" : preferences.normalisation);
  }

  build() {
    const { clip } = this;
    this.root.classList.toggle("without-maps", clip.blocks.length === 0);
    const blocks = clip.blocks.map(({ name, height, width }) => [name, `${name} · ${height}×${width}`]);
    this.choices(".blocks", "block", blocks, this.block?.name);
    const kinds = Object.entries(NORMALISATIONS).map(([kind, { name }]) => [kind, name]);
    this.choices(".normalisations", "normalisation", kinds, preferences.normalisation);
  }

  choose(name, value) {
    if (name === "block") {
      this.block = this.clip.blocks.find((block) => block.name === value);
      this.changed();
    } else super.choose(name, value);
  }

  changed() {
    const { block, clip } = this;
    if (block) {
      const kind = block.together ? "raw" : preferences.normalisation;
      // ONE pair of colour limits for the clip and block; they come from Python, as in every other figure.
      const [low, high] = block.limits[kind];
      const signable = kind === "raw" && !block.together;
      const limits = { low, high, median: block.medians[kind] };
      this.shown = this.drawn(transformed(block, kind), limits, signable ? "raw" : "unsigned", "actionness");
      const { name, symbol, note } = this.values();
      for (const part of [".values-name", ".normalisations"]) this.find(part).hidden = block.together;
      this.find(".note").textContent = note + BEYOND;
      this.find(".bar-name").textContent = symbol;
      this.find(".bar").title = `${name} of ${block.name}: one scale for all ${clip.frames.length} frames`;
      this.find(".bar-scale").style.background = gradient(this.shown.colours, "to top", this.shown);
      this.find(".bar-cut").style.height = `${100 * preferences.threshold}%`;
      this.find(".bar-ticks").replaceChildren(...ticks(this.shown.low, this.shown.high).reverse());
      this.showDisplay(this.shown, signable);
      this.showCurve(name, symbol);
    }
    this.moved();
  }

  // How what is shown is called.
  values() {
    return this.block.together ? TOGETHER : NORMALISATIONS[preferences.normalisation];
  }

  showCurve(name, symbol) {
    const { block, shown } = this;
    const followed = cellAt(this.position, block);
    const peak = [followed ? "peak faint" : "peak", peaks(shown.values, block.height * block.width)];
    const lines = followed ? [peak, ["followed", following(shown.values, block, followed)]] : [peak];
    this.showRange(drawCurve(this.find(".curve-plot"), lines));
    const note = followed
      ? `${symbol} at row ${followed.row}, column ${followed.column}` : `peak of ${symbol} in each frame · click the picture to follow one position`;
    this.find(".curve-note").textContent = note;
    this.find(".curve-plot").setAttribute("aria-label", `${name} of ${block.name} over time: ${note}`);
    this.find(".unpin").style.visibility = followed ? "visible" : "hidden";
  }

  moved() {
    const { clip, block, frame } = this;
    this.leave({ block: block?.name });
    Object.assign(this.root.dataset, { block: block?.name ?? "", clip: clip.id });
    const map = block ? `, actionness of ${block.name} overlaid` : "";
    this.find(".screen").setAttribute("aria-label", `${clip.alt}, frame ${clip.indices[frame]}${map}`);
    super.moved();
  }

  draw() {
    if (!this.clip) return;
    const { block, frame, shown } = this;
    const [hovered, followed] = [cellAt(this.pointer, block), cellAt(this.position, block)];
    const view = { ...preferences, frame, block, shown };
    this.screen.draw(this.clip, view, { hovered, followed });
    this.find(".readout").textContent = this.describe(hovered ?? followed);
  }

  grid() {
    return this.block;
  }

  describe(cell = cellAt(this.position, this.block)) {
    if (!cell) return "";
    const { name, height, width } = this.block;
    const value = this.shown.values[(this.frame * height + cell.row) * width + cell.column];
    return `${name} · row ${cell.row}, column ${cell.column} · ${this.values().symbol} = ${format(value)}`;
  }

  address() {
    if (!this.block) return {};
    const { normalisation } = preferences;
    return { block: this.block.name, ...(normalisation !== "raw" && { values: normalisation }), ...this.addressOfDisplay(this.shown) };
  }
}

export default mounted(Explorer, ".explorer");
