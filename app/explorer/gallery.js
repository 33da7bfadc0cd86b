// Thumbnails of the shipped clips; under the pointer a thumbnail plays. A click tells Python which clip was chosen.
// As a state, which each later message holds too: a trigger is lost to Python when the page is left meanwhile.
// Which one is chosen comes beside them (chosen.js): thumbnails that stay as they are need not be sent again.

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
  };
  const ids = data.clips.map((clip) => clip.id).join("\n");
  if (list.dataset.clips !== ids) { // else the same thumbnails stay, one of them focused perhaps
    list.dataset.clips = ids;
    list.replaceChildren(...data.clips.map(thumbnail));
  }
  for (const [index, button] of [...list.children].entries()) {
    const clip = data.clips[index];
    button.onpointerenter = button.onfocus = () => describe(clip);
    button.onblur = () => describe(chosen());
    button.onclick = () => {
      mark(clip.id);
      setStateValue("clip", clip.id);
    };
  }
  list.onpointerleave = () => describe(chosen());
  const follow = () => {
    mark(choice[data.gallery]);
    describe(chosen());
  };
  follow();
  choice.removeEventListener(data.gallery, list.follow); // of the message before
  list.follow = follow;
  choice.addEventListener(data.gallery, follow);
  return () => choice.removeEventListener(data.gallery, follow);
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
