// The picture: frame, actionness over it, true-mask outlines, the cell under the pointer and the followed cell.

const TARGET = [3, 4]; // acted-on object and hand, outlined together
const DISTRACTOR = [2];
const SMOOTH_SIDE = 224; // samples along the longer side when interpolating

class Screen {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.heat = document.createElement("canvas");
  }

  // The canvas holds device pixels: sharp on every display.
  fit() {
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = this.canvas.getBoundingClientRect();
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
  }

  draw(clip, view, cells) {
    const { width, height } = this.canvas;
    const image = clip.frames[view.frame];
    this.context.imageSmoothingQuality = "high";
    this.context.imageSmoothingEnabled = true;
    this.context.clearRect(0, 0, width, height);
    if (image.complete && image.naturalWidth) this.context.drawImage(image, 0, 0, width, height);
    if (view.block) this.drawHeat(clip, view);
    if (view.masks && clip.masks) {
      this.stroke(this.outline(clip, view.frame, "distractor", DISTRACTOR), clip.masks, true);
      this.stroke(this.outline(clip, view.frame, "target", TARGET), clip.masks, false);
    }
    if (view.block && cells.hovered) this.cell(view.block, cells.hovered, 1);
    if (view.block && cells.followed) this.cell(view.block, cells.followed, 2.5);
  }

  drawHeat(clip, view) {
    const { block } = view;
    const { values, low, high } = view.shown;
    const smooth = view.interpolation === "smooth";
    const scale = SMOOTH_SIDE / Math.max(block.height, block.width);
    const rows = smooth ? Math.max(block.height, Math.round(block.height * scale)) : block.height;
    const columns = smooth ? Math.max(block.width, Math.round(block.width * scale)) : block.width;
    const start = view.frame * block.height * block.width;
    const sampled = smooth
      ? interpolate(values, start, block, rows, columns)
      : values.subarray(start, start + rows * columns);
    if (this.heat.width !== columns || this.heat.height !== rows) {
      this.heat.width = columns;
      this.heat.height = rows;
      this.pixels = null;
    }
    const pen = this.heat.getContext("2d");
    this.pixels ??= pen.createImageData(columns, rows);
    const cut = view.threshold > 0 ? low + view.threshold * (high - low) : -Infinity;
    colour(this.pixels.data, sampled, view.shown, cut);
    pen.putImageData(this.pixels, 0, 0);
    this.context.globalAlpha = view.opacities[view.shown.style];
    this.context.imageSmoothingEnabled = smooth;
    this.context.drawImage(this.heat, 0, 0, this.canvas.width, this.canvas.height);
    this.context.globalAlpha = 1;
  }

  outline(clip, frame, name, kinds) {
    const key = `${frame} ${name}`;
    if (!clip.outlines.has(key)) clip.outlines.set(key, outline(clip.masks, frame, kinds));
    return clip.outlines.get(key);
  }

  // A dark line under a light one is visible on any picture and any colour map.
  stroke(path, masks, dashed) {
    const scale = this.canvas.width / masks.width;
    const scaled = new Path2D();
    scaled.addPath(path, new DOMMatrix([scale, 0, 0, this.canvas.height / masks.height, 0, 0]));
    const pen = this.context;
    const unit = window.devicePixelRatio || 1;
    pen.lineJoin = pen.lineCap = "round";
    pen.strokeStyle = "rgba(0, 0, 0, 0.55)";
    pen.lineWidth = (dashed ? 3 : 4.5) * unit;
    pen.stroke(scaled);
    pen.strokeStyle = dashed ? "rgba(120, 220, 255, 0.95)" : "#ffffff";
    pen.lineWidth = (dashed ? 1.25 : 2) * unit;
    pen.stroke(scaled);
  }

  cell(block, { row, column }, weight) {
    const pen = this.context;
    const unit = window.devicePixelRatio || 1;
    const w = this.canvas.width / block.width;
    const h = this.canvas.height / block.height;
    for (const [style, width] of [["rgba(0, 0, 0, 0.6)", weight + 2], ["#ffffff", weight]]) {
      pen.strokeStyle = style;
      pen.lineWidth = width * unit;
      pen.strokeRect(column * w, row * h, w, h);
    }
  }
}
