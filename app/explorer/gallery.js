// Thumbnails of clips to choose from; under the pointer a thumbnail plays. A click tells Python which clip was chosen.
// As a state, which each later message holds too: a trigger is lost to Python when the page is left meanwhile.
// Which one is chosen comes beside them (chosen.js): thumbnails that stay as they are need not be sent again.
// By keyboard it is one stop, the chosen clip; arrow keys, Home and End move from there.

export default function ({ parentElement, data, setStateValue }) {
  const choice = (window.atrChosen ??= new EventTarget());
  const list = parentElement.querySelector(".gallery");
  const caption = parentElement.querySelector(".gallery-caption");
  let chosenId; // after a click the clicked one, until Python has answered
  const chosen = () => data.clips.find((clip) => clip.id === chosenId);
  const describe = (clip) => { caption.textContent = clip?.label ?? ""; };
  const mark = (id) => {
    chosenId = id;
    for (const button of list.children) button.setAttribute("aria-pressed", button.dataset.clip === id);
    if (!list.matches(":focus-within")) stopAt(list, list.querySelector("[aria-pressed=true]"));
  };
  list.setAttribute("aria-label", data.name);
  const told = data.clips.map((clip) => `${clip.id} ${clip.label}`).join("\n");
  if (list.dataset.clips !== told) { // else the same thumbnails stay, one of them focused perhaps
    list.dataset.clips = told;
    list.replaceChildren(...data.clips.map(thumbnail));
  }
  for (const [index, button] of [...list.children].entries()) {
    const clip = data.clips[index];
    button.onpointerenter = () => describe(clip);
    button.onfocus = () => {
      stopAt(list, button);
      describe(clip);
    };
    button.onblur = () => describe(chosen());
    button.onclick = () => {
      mark(clip.id);
      setStateValue("clip", { id: clip.id, at: performance.now() }); // a second click on one clip is told too
    };
  }
  list.onpointerleave = () => describe(chosen());
  list.onkeydown = (event) => {
    const next = moved(list, event);
    if (!next) return;
    event.preventDefault(); // the page does not scroll
    next.focus();
  };
  const follow = () => {
    mark(choice[data.gallery]);
    describe(chosen());
    if (list.dataset.revealed === chosenId) return; // who has scrolled since is left there
    list.dataset.revealed = chosenId;
    reveal(list, list.querySelector("[aria-pressed=true]"));
  };
  follow();
  choice.removeEventListener(data.gallery, list.follow); // of the message before
  list.follow = follow;
  choice.addEventListener(data.gallery, follow);
  return () => choice.removeEventListener(data.gallery, follow);
}

// The thumbnail that the Tab key stops at.
function stopAt(list, stop) {
  for (const button of list.children) button.tabIndex = button === (stop ?? list.firstElementChild) ? 0 : -1;
}

// Scrolls the list, and not the page, to a thumbnail that is not in sight.
function reveal(list, button) {
  if (!button) return;
  const top = button.offsetTop - list.firstElementChild.offsetTop;
  const isSeen = top >= list.scrollTop && top + button.offsetHeight <= list.scrollTop + list.clientHeight;
  if (!isSeen) list.scrollTop = top;
}

// The thumbnail that a key moves to from the focused one; null for any other key, and beyond the ends.
function moved(list, { key, target, ctrlKey, metaKey, altKey }) {
  if (ctrlKey || metaKey || altKey) return null; // the browser's own
  const buttons = [...list.children];
  const columns = buttons.filter((button) => button.offsetTop === buttons[0].offsetTop).length;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  if (key === "Home") return buttons[0];
  if (key === "End") return buttons.at(-1);
  return buttons[buttons.indexOf(target) + steps[key]] ?? null;
}

function thumbnail(clip) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = clip.label;
  button.dataset.clip = clip.id;
  button.setAttribute("aria-label", `${clip.id}: ${clip.label}`);
  button.style.setProperty("--film", `url(${clip.film})`);
  button.style.setProperty("--frames", clip.frames);
  return button;
}
