// What stands under one side's picture: the value at a position, a sentence on its map, bars of its class scores.

// The value at a point, or else the peak of the frame; weights also as multiples of uniform pooling.
function valueText({ values, height, width }, frame, point, symbol, isWeight) {
  const start = frame * height * width;
  const cell = cellAt(point, { height, width });
  const value = cell
    ? values[start + cell.row * width + cell.column] : Math.max(...values.subarray(start, start + height * width));
  const times = value * height * width;
  const multiple = isWeight ? ` · ${times < 0.05 ? "under 0.1" : times.toFixed(1)} × uniform` : "";
  return `${cell ? `${symbol} =` : "peak of this frame"} ${format(value)}${multiple}`;
}

// What a reader of a side's map must know; a side without one says why. source: { key, name }; shown: the map or null;
// together: of all blocks.
function sentence({ name, uniform, own, absent }, source, block, shown, together) {
  if (source.key === "actionness" && uniform) {
    if (together) return "Pools uniformly in every block: nothing stands out.";
    const cells = shown && shown.height * shown.width;
    const weight = shown ? `1/HW = 1/${cells} = ${(1 / cells).toPrecision(2)}` : "1/HW";
    const missing = own.actionness?.length && !own.actionness.includes(block) ? `No ATR block at ${block}. ` : "";
    return `${missing}Pools uniformly: ${weight} in every cell.`;
  }
  if (shown) return "";
  if (together && own[source.key]?.length) return `${name} has ${source.name} maps of one block only.`;
  return absent[source.key] ?? `${name} has no ${source.name} map${block ? ` at ${block}` : ""}.`;
}

// Bars of the most probable classes. The true class is always among them, with its probability.
function classScores({ scores, true_probability: truth, notes }, trueLabel) {
  const node = (tag, className, textContent = "") => Object.assign(document.createElement(tag), { className, textContent });
  const rows = [...scores];
  if (trueLabel !== null && truth !== null && !scores.some(([label]) => label === trueLabel)) rows.push([trueLabel, truth]);
  const list = node("ol", "score-list");
  list.append(...rows.map(([label, probability], i) => {
    const row = node("li", label === trueLabel ? "is-true" : "");
    if (i === scores.length) row.classList.add("further");
    const name = node("span", "score-label", label);
    name.title = label;
    const meter = node("span", "meter");
    meter.append(Object.assign(node("i", ""), { style: `width: ${100 * probability}%` }));
    row.append(name, ...(label === trueLabel ? [node("span", "true-tag", "true")] : []), node("span", "score", `${(100 * probability).toFixed(1)} %`), meter);
    return row;
  }));
  if (!notes.length) return [list];
  const details = node("details", "side-notes");
  details.append(node("summary", "", notes.length > 1 ? `${notes.length} notes on these maps` : "A note on these maps"), ...notes.map((note) => node("p", "", note)));
  return [list, details];
}
