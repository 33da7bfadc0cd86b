// Thumbnails of the shipped clips; under the pointer a thumbnail plays. A click tells Python which clip was chosen.

const chosenIds = {}; // group of galleries -> id; survives leaving the page and coming back

export default function ({ parentElement, data, setTriggerValue }) {
  const list = parentElement.querySelector(".gallery");
  const caption = parentElement.querySelector(".gallery-caption");
  const { group } = data;
  if (!data.clips.some((clip) => clip.id === chosenIds[group])) chosenIds[group] = data.first;
  const chosen = () => data.clips.find((clip) => clip.id === chosenIds[group]);
  const describe = (clip) => { caption.textContent = clip?.label ?? ""; };
  list.replaceChildren(...data.clips.map((clip) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = clip.label;
    button.dataset.clip = clip.id;
    button.setAttribute("aria-label", `${clip.id}: ${clip.label}`);
    button.setAttribute("aria-pressed", clip.id === chosenIds[group]);
    button.style.setProperty("--film", `url(${clip.film})`);
    button.style.setProperty("--frames", clip.frames);
    button.addEventListener("pointerenter", () => describe(clip));
    button.addEventListener("focus", () => describe(clip));
    button.addEventListener("click", () => {
      list.querySelector("[aria-pressed=true]")?.setAttribute("aria-pressed", false);
      button.setAttribute("aria-pressed", true);
      chosenIds[group] = clip.id;
      setTriggerValue("clip", clip.id);
    });
    return button;
  }));
  list.onpointerleave = () => describe(chosen());
  describe(chosen());
}
