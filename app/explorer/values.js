// From raw actionness M to what is on screen: normalisation, colour limits, interpolation, colours.

// The ends of a colour scale are percentiles: analysis/map_values.py.
const BEYOND = " Up to about 0.5 % of the values lie beyond each end of the scale.";

const NORMALISATIONS = {
  raw: { name: "raw M", symbol: "M", note: "The locator’s output, a logit: no activation, one scale for the whole clip." },
  sigmoid: { name: "sigmoid(M)", symbol: "σ(M)", note: "M mapped to 0 … 1, one scale for the whole clip." },
  softmax: {
    name: "spatial softmax",
    symbol: "softmax(M)",
    note: "AFA’s pooling weights: they sum to 1 in every frame, so they show where, not when.",
  },
};

// Of all blocks there is one kind of value, whatever is chosen for the others.
const responseIn = (map) => ({
  name: "response",
  symbol: "response",
  note: `Response, ours: what of each block’s ${map} lies above its median over the clip, in standard deviations; the mean over blocks.`,
});
const TOGETHER = responseIn("M");

const GRADCAM_VALUES = {
  relative: {
    name: "of its maximum",
    symbol: "CAM / max",
    note: "Grad-CAM over its largest value in the clip: the scale of gradients differs from model to model.",
  },
  raw: {
    name: "as computed",
    symbol: "CAM",
    note: "In units of each model’s own gradients: compare the positions, not the values.",
  },
};
const VALUES = {
  actionness: { ...NORMALISATIONS, response: TOGETHER },
  gradcam: { ...GRADCAM_VALUES, response: responseIn("Grad-CAM") },
};

const TRANSFORMS = {
  raw: ({ raw }) => raw,
  response: ({ raw }) => raw,
  sigmoid: ({ raw }) => raw.map((m) => 1 / (1 + Math.exp(-m))),
  softmax: spatialSoftmax,
  relative: ({ raw, high }) => (high > 0 ? raw.map((value) => value / high) : raw),
};

// A map's values in every frame, as they are to be shown.
function transformed(map, kind) {
  map.shown[kind] ??= TRANSFORMS[kind](map);
  return map.shown[kind];
}

function spatialSoftmax({ raw, height, width }) {
  const size = height * width;
  const weights = new Float32Array(raw.length);
  for (let start = 0; start < raw.length; start += size) {
    let peak = -Infinity;
    for (let i = start; i < start + size; i += 1) peak = Math.max(peak, raw[i]);
    let total = 0;
    for (let i = start; i < start + size; i += 1) total += weights[i] = Math.exp(raw[i] - peak);
    for (let i = start; i < start + size; i += 1) weights[i] /= total;
  }
  return weights;
}

// Sample positions and weights of bilinear interpolation along one axis: cell centres at (i + 0.5) / cells, edges held.
function bilinearAxis(cells, samples) {
  const first = new Int32Array(samples);
  const weight = new Float32Array(samples);
  for (let i = 0; i < samples; i += 1) {
    const position = Math.min(Math.max(((i + 0.5) / samples) * cells - 0.5, 0), cells - 1);
    first[i] = Math.min(Math.floor(position), Math.max(cells - 2, 0));
    weight[i] = position - first[i];
  }
  return { first, weight };
}

// Interpolates values, not colours, so that a colour always stands for one value of the bar.
function interpolate(values, start, { height, width }, rows, columns) {
  const down = bilinearAxis(height, rows);
  const across = bilinearAxis(width, columns);
  const result = new Float32Array(rows * columns);
  const below = height > 1 ? width : 0;
  const right = width > 1 ? 1 : 0;
  for (let r = 0; r < rows; r += 1) {
    const line = start + down.first[r] * width;
    for (let c = 0; c < columns; c += 1) {
      const i = line + across.first[c];
      const top = values[i] + (values[i + right] - values[i]) * across.weight[c];
      const bottom = values[i + below] + (values[i + below + right] - values[i + below]) * across.weight[c];
      result[r * columns + c] = top + (bottom - top) * down.weight[r];
    }
  }
  return result;
}

// |a − b| of two maps { values, height, width } on the finer of their grids. When they are weights, which sum to 1 over a
// frame, a cell's weight is first shared out among the finer cells that it covers.
function difference(a, b, areWeights) {
  const [height, width] = [Math.max(a.height, b.height), Math.max(a.width, b.width)];
  const size = height * width;
  const frames = a.values.length / (a.height * a.width);
  const values = new Float32Array(frames * size);
  const share = (map) => (areWeights ? (map.height * map.width) / size : 1);
  for (let t = 0; t < frames; t += 1) {
    const [first, second] = [a, b].map((map) => interpolate(map.values, t * map.height * map.width, map, height, width));
    for (let i = 0; i < size; i += 1) values[t * size + i] = Math.abs(first[i] * share(a) - second[i] * share(b));
  }
  return { values, height, width };
}

// values: of one picture; scale: { low, high, median, style, colours }.
function colour(pixels, values, scale, threshold) {
  const { low, high, style, colours: palette } = scale;
  const step = high > low ? 255 / (high - low) : 0;
  for (let i = 0; i < values.length; i += 1) {
    const entry = 3 * Math.min(255, Math.max(0, Math.round((values[i] - low) * step)));
    pixels[4 * i] = palette[entry];
    pixels[4 * i + 1] = palette[entry + 1];
    pixels[4 * i + 2] = palette[entry + 2];
    pixels[4 * i + 3] = values[i] < threshold ? 0 : Math.round(255 * opacityOf(values[i], scale, style));
  }
}

// A palette from its first to its last colour; on a scale, as transparent as the values are.
function gradient(palette, direction, scale = null) {
  const stops = [];
  for (let i = 0; i <= 64; i += 1) {
    const entry = 3 * Math.round((i / 64) * 255);
    const alpha = scale ? opacityOf(scale.low + (i / 64) * (scale.high - scale.low), scale, scale.style) : 1;
    stops.push(`rgb(${palette[entry]} ${palette[entry + 1]} ${palette[entry + 2]} / ${alpha})`);
  }
  return `linear-gradient(${direction}, ${stops.join(",")})`;
}

// Three significant digits, or as many decimals as tell apart the ends of a scale of this span.
function format(value, span) {
  const size = span || Math.abs(value);
  const decimals = size > 0 ? Math.max(0, 2 - Math.floor(Math.log10(size))) : 0;
  const text = decimals > 5 ? value.toExponential(1) : value.toFixed(decimals);
  return text.replace(/-/g, "−").replace(/^−(0\.?0*)$/, "$1");
}
