// How strongly the colours of a map cover the picture: analysis/opacity.py, for the browser. A test holds both to the same numbers, those set at first too.

const OPACITY = { value: 0.85, flat: 0.55, signed: 0.85 }; // set at first: what covers little may cover it well
const OVERLAYS = {
  value: { name: "by value", note: "Transparent up to the clip’s median, then the stronger the more opaque." },
  flat: { name: "flat", note: "Equally opaque everywhere." },
  signed: { name: "signed", note: "Transparent at the clip’s median, red above it, blue below. What red and blue mark differs from block to block: where the hand is, where it goes, where it left." },
};

// Share of the set opacity, 0 to 1, of a value.
function opacityOf(value, { median, high }, style) {
  if (style === "flat") return 1;
  const distance = style === "signed" ? Math.abs(value - median) : value - median;
  if (high <= median) return distance > 0 ? 1 : 0;
  return Math.min(1, Math.max(0, distance / (high - median)));
}

// The ends of the colours: the clip's limits; signed, the narrowest around them with the median in the middle.
function scaleOf({ median, low, high }, style) {
  if (style !== "signed") return { median, low, high };
  const reach = Math.max(high - median, median - low);
  return { median, low: median - reach, high: median + reach };
}

// Only raw M has two directions; what has none is drawn by value.
const styleOf = (style, kind, source = "actionness") => (style === "signed" && (kind !== "raw" || source !== "actionness") ? "value" : style);

function medianOf(values) {
  const sorted = Float32Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
