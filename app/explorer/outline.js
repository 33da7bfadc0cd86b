// Outlines of true masks: marching squares on a slightly blurred indicator, so that coarse masks get a smooth line.

// kinds: the mask values that count as inside. Returns a Path2D in units of the mask's pixels.
function outline(masks, frame, kinds) {
  const { height, width } = masks;
  const ids = masks.ids(frame);
  const inside = (r, c) =>
    r >= 0 && c >= 0 && r < height && c < width && kinds.includes(ids[r * width + c]) ? 1 : 0;
  // A border of one empty pixel closes the line where a mask touches the picture's edge.
  const columns = width + 2;
  const field = new Float32Array((height + 2) * columns);
  for (let r = 0; r < height; r += 1) {
    for (let c = 0; c < width; c += 1) {
      const cross = inside(r - 1, c) + inside(r + 1, c) + inside(r, c - 1) + inside(r, c + 1);
      field[(r + 1) * columns + c + 1] = 0.5 * inside(r, c) + 0.125 * cross;
    }
  }
  const path = new Path2D();
  for (let r = 0; r <= height; r += 1) {
    for (let c = 0; c <= width; c += 1) {
      const i = r * columns + c;
      square(path, c - 0.5, r - 0.5, field[i], field[i + 1], field[i + columns + 1], field[i + columns]);
    }
  }
  return path;
}

// One cell, corner values clockwise from the top left; adds the level-0.5 segments that cross it.
function square(path, x, y, a, b, c, d) {
  const level = 0.499;
  const code = (a > level) | ((b > level) << 1) | ((c > level) << 2) | ((d > level) << 3);
  if (code === 0 || code === 15) return;
  const cut = (from, to) => (level - from) / (to - from);
  const sides = [
    () => [x + cut(a, b), y],
    () => [x + 1, y + cut(b, c)],
    () => [x + cut(d, c), y + 1],
    () => [x, y + cut(a, d)],
  ];
  const corners = [a, b, c, d].map((value) => value > level);
  const crossed = [0, 1, 2, 3].filter((side) => corners[side] !== corners[(side + 1) % 4]).map((side) => sides[side]());
  for (let i = 0; i < crossed.length; i += 2) {
    path.moveTo(...crossed[i]);
    path.lineTo(...crossed[i + 1]);
  }
}
