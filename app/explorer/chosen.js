// Tells a gallery which of its clips is chosen. It draws nothing.

export default function ({ data }) {
  const choice = (window.atrChosen ??= new EventTarget());
  choice[data.gallery] = data.chosen;
  choice.dispatchEvent(new Event(data.gallery));
}
