// W of one clip as a grid; the cell under the pointer, or in focus, names its two frames and marks them in the strip.
// By keyboard it is one stop; arrow keys, Home and End (of the row) move from there.

export default function ({ parentElement, data }) {
  const strip = parentElement.querySelector(".relation-strip");
  const grid = parentElement.querySelector(".relation-grid");
  const text = parentElement.querySelector(".relation-text");
  const hint = "Row: the time step that attends; column: the time step attended to. Point at a cell, or move to it by arrow keys, to outline the first frame in blue and the second in orange.";

  const figures = data.frames.map((frame) => {
    const figure = document.createElement("figure");
    const image = document.createElement("img");
    image.src = frame.image;
    image.alt = `frame ${frame.index}`;
    const caption = document.createElement("figcaption");
    caption.textContent = `${frame.step} · frame ${frame.index}`;
    figure.append(image, caption);
    return figure;
  });
  strip.replaceChildren(...figures);

  const mark = (row, column) => {
    figures.forEach((figure, step) => {
      figure.classList.toggle("looks", step === row);
      figure.classList.toggle("looked-at", step === column);
    });
    text.textContent = row === null ? hint : describe(row, column);
  };
  const describe = (row, column) => {
    const [from, to] = [data.frames[row], data.frames[column]];
    return `Step ${from.step} (frame ${from.index}) attends to step ${to.step} (frame ${to.index}): W = ${data.matrix[row][column].toFixed(4)}`;
  };

  parentElement.querySelector(".relation-scale").style.background = `linear-gradient(to right, ${data.scale.join(",")})`;
  data.limits.forEach((limit, end) => { parentElement.querySelector([".relation-low", ".relation-high"][end]).textContent = limit; });
  grid.style.gridTemplateColumns = `auto repeat(${data.matrix.length}, 1fr)`;
  grid.setAttribute("aria-label", `Temporal relation matrix of ${data.block}`);
  const step = (text) => Object.assign(document.createElement("span"), { textContent: text, ariaHidden: true });
  const cells = data.matrix.map((values, row) => values.map((value, column) => {
    const cell = document.createElement("button");
    cell.type = "button";
    cell.setAttribute("role", "gridcell");
    cell.tabIndex = row === 0 && column === 0 ? 0 : -1;
    cell.style.background = data.colours[row][column];
    cell.dataset.cell = `${row},${column}`;
    cell.setAttribute("aria-label", describe(row, column));
    cell.addEventListener("pointerenter", () => mark(row, column));
    cell.addEventListener("focus", () => {
      mark(row, column);
      for (const other of cells.flat()) other.tabIndex = other === cell ? 0 : -1;
    });
    return cell;
  }));
  const rowOf = (...children) => {
    const row = Object.assign(document.createElement("div"), { className: "relation-row" });
    row.setAttribute("role", "row");
    row.append(...children);
    return row;
  };
  const rows = cells.map((row, number) => rowOf(step(data.frames[number].step), ...row));
  grid.replaceChildren(step(""), ...data.frames.map((frame) => step(frame.step)), ...rows);
  grid.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !event.target.dataset.cell) return; // the browser's own
    const [row, column] = event.target.dataset.cell.split(",").map(Number);
    const last = cells.length - 1;
    const to = {
      ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
      Home: [row, 0], End: [row, last],
    }[event.key];
    const next = to && cells[to[0]]?.[to[1]];
    if (!next) return;
    event.preventDefault(); // the page does not scroll
    next.focus();
  };
  grid.onpointerleave = () => {
    const focused = grid.querySelector("button:focus");
    mark(...(focused ? focused.dataset.cell.split(",").map(Number) : [null, null]));
  };
  mark(null, null);
}
