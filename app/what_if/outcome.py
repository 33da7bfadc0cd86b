"""The page "What if" on one clip: the frames that were given, class scores before and after, and their files."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from analysis.what_if.figures import scores_figure
from analysis.what_if.hiding import HIDDEN
from analysis.what_if.interventions import Intervention, Outcome
from app.explorer import data_url
from app.exports import Download, download_row, enlarged, file_stem, film, written
from app.loading import Clip
from app.loading.what_if import outcome, sampled
from app.markdown import plain
from atr.tabletop import CLASSES, REVERSED

PLACES = {"top": "highest M", "random": "random", "bottom": "lowest M"}
FPS = 4.0  # of the films: few frames of a whole clip, slow enough to see each
STRIP = (
    "<style>.strip {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(98px, 1fr)); gap: 6px }} "
    ".strip figure {{ margin: 0 }} .strip img {{ width: 100%; border-radius: 6px; display: block }} "
    ".strip figcaption {{ font-size: 0.8rem; opacity: 0.7; text-align: center }}</style>"
    '<div class="strip">{figures}</div>'
)


@dataclass(frozen=True)
class Answer:
    """What a checkpoint makes of a clip under an intervention, and what it made of the clip as it is."""

    clip: Clip
    checkpoint: str
    labels: Sequence[str]
    indices: np.ndarray  # (T,), of the frames as they are, in the video
    intervention: Intervention
    before: Outcome
    after: Outcome

    @classmethod
    def of(cls, clip: Clip, checkpoint: str, labels: Sequence[str], intervention: Intervention) -> "Answer":
        """Raises ValueError as `outcome`."""
        _, indices, _ = sampled(clip, checkpoint)
        before, after = (outcome(clip, checkpoint, each) for each in (Intervention(), intervention))
        return cls(clip, checkpoint, labels, indices, intervention, before, after)

    @property
    def known(self) -> bool:
        """Whether the clip's true class is one of the checkpoint's."""
        return self.clip.label in self.labels

    @property
    def asked(self) -> int:
        """The class whose probability is followed: the true one; where that is not known, that predicted before."""
        return self.labels.index(self.clip.label) if self.known else int(self.before.probabilities.argmax())

    @property
    def shows(self) -> int | None:
        """The class that the frames as they are given show; None where that is not known.

        Played backwards the demo set's clips show the reversed class, those of other sets may show any.
        """
        if not self.known:
            return None
        if self.intervention.order != "reversed":
            return self.asked
        return REVERSED[self.asked] if tuple(self.labels) == tuple(CLASSES) else None

    def elsewhere(self) -> dict[str, Outcome]:
        """The same area hidden where M is highest, at random and where it is lowest. Raises ValueError as `intervene`."""
        return {
            place: outcome(self.clip, self.checkpoint, dataclasses.replace(self.intervention, hide=place))
            for place in HIDDEN[1:]
        }


def strip(answer: Answer) -> None:
    after = answer.after
    figures = [
        f'<figure><img src="{data_url(frame)}" alt="Step {step}"><figcaption>{step} · frame {answer.indices[index]}'
        "</figcaption></figure>"
        for step, (frame, index) in enumerate(zip(after.frames, after.order, strict=True), start=1)
    ]
    st.html(STRIP.format(figures="".join(figures)))
    told = "The input of the model: time step and frame of the video."
    if after.hidden is not None:
        count, positions = int(after.hidden[0].sum()), after.hidden[0].size
        told += (
            f" Hidden: {count} of the {positions} positions of {answer.intervention.block} in every frame "
            f"({100 * count / positions:.1f} %)."
        )
    st.caption(told)


def scores(answer: Answer, *, with_maps: bool) -> None:
    """The probability of the class that is followed, and the top classes. with_maps: positions can be ranked."""
    before, after, labels, asked = answer.before, answer.after, answer.labels, answer.asked
    followed = asked if answer.shows is None else answer.shows
    named = "True class" if answer.known else "First predicted"
    if followed != asked:
        named = "True class of the reversed clip"
    elif answer.known and answer.shows is None:
        named = "True class of the clip as it is"
    changed = not answer.intervention.changes_nothing
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.subheader("Probability", anchor=False)
        was, now = float(before.probabilities[followed]), float(after.probabilities[followed])
        st.markdown(f":gray[{named}:] **{plain(labels[followed])}**")
        st.metric(
            named,
            f"{100 * now:.1f} %",
            f"{100 * (now - was):+.1f} points, from {100 * was:.1f} %" if changed else None,
            label_visibility="collapsed",
        )
        lines = [("Original clip", before, asked if answer.known else None)]
        if changed:
            lines.append(("After", after, answer.shows))
        for text, found, true in lines:
            best = int(found.probabilities.argmax())
            badge = ""
            if true is not None:
                badge = ":green-badge[:material/check:]" if best == true else ":red-badge[:material/close:]"
            st.markdown(
                f":gray[{text}:] **{plain(labels[best])}** · {100 * found.probabilities[best]:.1f} % {badge}"
            )
        if after.hidden is not None and with_maps:
            places = {place: found.probabilities[followed] for place, found in answer.elsewhere().items()}
            st.markdown(
                ":gray[The same area hidden:] "
                + " · ".join(
                    f"{PLACES[place]} **{100 * probability:.1f} %**" for place, probability in places.items()
                )
            )
    with right:
        st.subheader("Class scores", anchor=False)
        figure = scores_figure(
            before.probabilities, after.probabilities if changed else None, labels, true_class=answer.shows
        )
        st.plotly_chart(
            figure, key="what_if_scores", alt="The probabilities of the most probable classes, as bars"
        )


# ---- files -----------------------------------------------------------------------------------------------------------


def take_along(answer: Answer, changed: dict[str, str]) -> None:
    """Files are made when asked for. changed: the settings that differ from the defaults, which name the files."""
    settings = "".join(f"-{name}-{value}" for name, value in changed.items()).replace(" ", "-")
    stem = f"{file_stem(answer.clip)}-{answer.checkpoint}-what-if{settings}"
    moving = partial(film, enlarged(answer.after.frames), FPS)
    download_row(
        [
            Download("Frames, PNG", f"{stem}.png", "image/png", lambda: picture(answer)),
            Download("Frames, GIF", f"{stem}.gif", "image/gif", lambda: moving(".gif")),
            Download("Frames, MP4", f"{stem}.mp4", "video/mp4", lambda: moving(".mp4")),
            Download("Scores, CSV", f"{stem}.csv", "text/csv", lambda: table(answer).to_csv(index=False)),
            Download("Scores, NPZ", f"{stem}.npz", "application/octet-stream", lambda: arrays(answer)),
        ],
        key="take",
    )


def picture(answer: Answer) -> bytes:
    """The frames the model was given side by side, pixel by pixel."""
    row = Image.fromarray(np.hstack(answer.after.frames))
    return written(".png", row.save)


def table(answer: Answer) -> pd.DataFrame:
    """The probability of every class before and after."""
    scores = {"before": answer.before.probabilities, "after": answer.after.probabilities}
    return pd.DataFrame({"class": answer.labels, **scores})


def arrays(answer: Answer) -> bytes:
    """labels (C,), before and after (C,); frames (T, H, W, 3) as given, indices (T,) of each in the video; hidden (T, h, w).

    And the intervention, as JSON.
    """
    after = answer.after
    stored = {
        "labels": answer.labels,
        "before": answer.before.probabilities,
        "after": after.probabilities,
        "frames": after.frames,
        "indices": answer.indices[after.order],
        "intervention": json.dumps(dataclasses.asdict(answer.intervention)),
    }
    if after.hidden is not None:
        stored["hidden"] = after.hidden
    return written(".npz", lambda path: np.savez_compressed(path, **stored))
