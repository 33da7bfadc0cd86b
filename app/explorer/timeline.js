// Everything on the frame axis: marks on the slider's track, the curve under it, the line at the current frame.

const along = (frame, frames) => frame / Math.max(frames - 1, 1);
const percent = (frame, frames) => `${100 * along(frame, frames)}%`;

function drawMarks(element, { frames, sampled, acting }) {
  element.replaceChildren();
  const count = frames.length;
  const mark = (name, from, to) => {
    const node = document.createElement("span");
    node.className = name;
    node.style.left = percent(Math.max(from, 0), count);
    if (to !== undefined) node.style.right = `calc(100% - ${percent(Math.min(to, count - 1), count)})`;
    element.append(node);
  };
  for (const [first, last] of runs(acting ?? [])) mark("acting", first - 0.5, last + 0.5);
  for (const frame of new Set(sampled)) mark("sampled", frame);
  mark("played", 0, 0);
}

// [first, last] of every stretch of true values.
function runs(flags) {
  const result = [];
  flags.forEach((flag, i) => {
    if (flag && !flags[i - 1]) result.push([i, i]);
    if (flag) result.at(-1)[1] = i;
  });
  return result;
}

const peaksOf = new WeakMap(); // values -> the peak of each frame, over all positions

function peaks(values, size) {
  if (!peaksOf.has(values)) {
    const frames = Array.from({ length: values.length / size }, (_, t) => values.subarray(t * size, (t + 1) * size));
    peaksOf.set(values, Float32Array.from(frames, (frame) => frame.reduce((most, value) => Math.max(most, value))));
  }
  return peaksOf.get(values);
}

// The values of one position over time.
function following(values, { height, width }, { row, column }) {
  const size = height * width;
  return Float32Array.from({ length: values.length / size }, (_, t) => values[t * size + row * width + column]);
}

// lines: [class name, one value per frame]. The plot spans 1000 × 100 units and is stretched by CSS; strokes keep their
// width. Returns the ends of its scale.
function drawCurve(svg, lines) {
  const all = lines.flatMap(([, values]) => [...values]);
  const [low, high] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 0];
  const span = high > low ? high - low : 1;
  const line = ([name, values]) => {
    const points = Array.from(values, (value, t) => {
      const x = 1000 * along(t, values.length);
      return `${x.toFixed(1)},${(97 - (94 * (value - low)) / span).toFixed(2)}`;
    });
    if (points.length === 1) points.push(points[0]); // with round ends a dot
    const node = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    node.setAttribute("points", points.join(" "));
    node.setAttribute("class", name);
    node.setAttribute("vector-effect", "non-scaling-stroke");
    return node;
  };
  svg.setAttribute("viewBox", "0 0 1000 100");
  const cursor = svg.querySelector(".cursor") ?? document.createElementNS("http://www.w3.org/2000/svg", "line");
  cursor.setAttribute("class", "cursor");
  cursor.setAttribute("vector-effect", "non-scaling-stroke");
  svg.replaceChildren(...lines.map(line), cursor);
  return [low, high];
}

function moveCursor(svg, frame, frames) {
  const x = 1000 * along(frame, frames);
  const cursor = svg.querySelector(".cursor");
  for (const [name, value] of [["x1", x], ["x2", x], ["y1", 0], ["y2", 100]]) cursor?.setAttribute(name, value);
}
