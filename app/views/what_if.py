"""What if: a clip's frames in another order, a part of them hidden, actionness made uniform; class scores move along."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from analysis.what_if.hiding import FILLS, HIDDEN
from analysis.what_if.interventions import ORDERS, Intervention
from analysis.what_if.replaced_actionness import ACTIONNESS
from app import choices, loading
from app.choices import one_error
from app.links import Link, set_address
from app.loading import ChoiceError, Clip
from app.loading.what_if import sampled
from app.markdown import plain
from app.tabs import tabs
from app.what_if.outcome import PLACES, Answer, scores, strip, take_along
from app.what_if.results import FILL_NAMES, faithfulness_tab, order_tab
from atr.models import VideoClassifier

ORDER_NAMES = {"as it is": "As is", "reversed": "Reversed", "shuffled": "Shuffled", "frozen": "Frozen"}
HIDE_NAMES = {"nothing": "Nothing"} | {key: name[0].upper() + name[1:] for key, name in PLACES.items()}
ACTIONNESS_NAMES = {
    "computed": "Computed",
    "zero": "All 0",
    "mean": "All its mean",
    "not in AFA": "Not in AFA",
    "not in AFD": "Not in AFD",
}
# Settings by their names in links; numbers as a person reads them: steps from 1, q in per cent.
DEFAULTS = {
    "order": "as it is",
    "step": 1,
    "seed": 0,
    "hide": "nothing",
    "q": 20,
    "block": None,
    "fill": "mean",
    "actionness": "computed",
}
MOST_SEED = 9_999
SEED_HELP = "Of the shuffled order, and of the random area of the same size that stands beside a hidden one."
UNIFORM = (
    "Uniform: M of every block is one constant, so AFA gives all positions the same weight, as in ATR_sim, and AFD gives every "
    "position the same. With 0, M is zero everywhere; the clip's own mean keeps the mean value "
    "of the block and removes only where and when. Not in AFA: AFA averages over all positions alike, and AFD gets M as it "
    "is. Not in AFD: AFD gets the mean of M of each frame, and AFA looks where M says."
)
WITHOUT_LOCATOR = (
    "This checkpoint has no Action-related Region Locator: there is no actionness to replace, or to rank by. The "
    "hidden positions are random."
)


def page() -> None:
    st.title("What if", anchor=False)
    with one_error():
        show()


def show() -> None:
    names, clips = choices.begin()
    checkpoint = choices.choose_checkpoint(names)
    warnings, link = st.empty(), Link.of("what_if_link", DEFAULTS)
    try:
        with choices.chosen_clip(clips) as clip:
            if checkpoint is None:
                raise ChoiceError(loading.no_checkpoint())
            model = loading.model(checkpoint)
            settle(link, model)
            with one_error():  # a video that cannot be read; the data sets below do not need it
                answer_live(model, checkpoint, clip)
    finally:
        link.show_warnings(warnings, also=st.session_state["link"]["warnings"])
    contents = {
        "Order over a data set": lambda: order_tab(checkpoint, model),
        "Faithfulness over a data set": lambda: faithfulness_tab(checkpoint, model),
    }
    tabs(contents, key="what_if_tab")


def answer_live(model: VideoClassifier, checkpoint: str, clip: Clip | None) -> None:
    if clip is None:
        st.info("Choose a video in the sidebar to see its frames and its class scores.")
        return
    *_, notices = sampled(clip, checkpoint)
    choices.show_notices(notices)
    for note in model.sampling.notes:
        st.caption(plain(note))
    st.fragment(live)(model, checkpoint, clip)


# ---- settings and the link -------------------------------------------------------------------------------------------


def settle(link: Link, model: VideoClassifier) -> None:
    """Put into the state of the controls what the link asks for and this model allows."""
    for name in link.at_first:
        st.session_state[f"what_if {name}"] = DEFAULTS[name]
    link.at_first.clear()
    for name in list(link.asked):
        text = link.take(name, [str(value) for value in allowed_values(model)[name]], name)
        if text is not None:
            st.session_state[f"what_if {name}"] = int(text) if isinstance(DEFAULTS[name], int) else text


def allowed_values(model: VideoClassifier) -> dict[str, Sequence]:
    """What each setting may be with this model."""
    with_maps = model.locators
    return {
        "order": ORDERS,
        "step": range(1, model.config.num_frames + 1),
        "seed": range(MOST_SEED + 1),
        "hide": HIDDEN if with_maps else ("nothing", "random"),
        "q": range(101),
        "block": tuple(with_maps or model.backbone.slots()),
        "fill": FILLS,
        "actionness": ACTIONNESS if with_maps else ("computed",),
    }


def write_link(clip: Clip, checkpoint: str, used: dict) -> None:
    """The address restores what is shown; settings at their defaults are left out."""
    set_address({"clip": clip.link, "checkpoint": checkpoint, **changed(used)} if clip.link else {})


def changed(used: dict) -> dict[str, str]:
    return {name: str(value) for name, value in used.items() if value != DEFAULTS[name]}


# ---- one clip, live --------------------------------------------------------------------------------------------------


def live(model: VideoClassifier, checkpoint: str, clip: Clip) -> None:
    """Controls, the frames the model is really given, and its class scores beside the original ones."""
    used = controls(model)
    write_link(clip, checkpoint, used)
    intervention = Intervention(
        order=used["order"],
        step=used.get("step", 1) - 1,
        seed=used.get("seed", DEFAULTS["seed"]),
        hide=used["hide"],
        share=used.get("q", 0) / 100,
        block=used.get("block"),
        fill=used.get("fill", "mean"),
        actionness=used["actionness"],
    )
    with one_error():  # a fragment runs without the page around it
        answer = Answer.of(clip, checkpoint, model.labels, intervention)
        strip(answer)
        scores(answer, with_maps=bool(model.locators))
        take_along(answer, changed(used))


def controls(model: VideoClassifier) -> dict:
    """The settings in use; those that do not matter now are left out."""
    allowed, defaults = allowed_values(model), DEFAULTS | {"block": model.shown_block}

    def kept(name: str) -> dict:
        """Of a widget about to be drawn: it has its last value, or the default where this model does not allow that."""
        key = f"what_if {name}"
        if st.session_state.get(key) not in allowed[name]:
            st.session_state[key] = defaults[name]
        return {"key": key, "persist_state": "session"}

    def segments(title: str, name: str, names: dict[str, str], **options) -> str:
        options |= {"format_func": names.get, "required": True, **kept(name)}
        return st.segmented_control(title, allowed[name], **options)

    used: dict[str, Any] = {}
    frames, hiding, looking = st.columns([6, 7, 5], gap="medium")
    with frames:
        used["order"] = segments("Frames", "order", ORDER_NAMES)
    with hiding:
        used["hide"] = segments("Hide in every frame", "hide", HIDE_NAMES)
    with looking:
        used["actionness"] = st.selectbox(
            "Actionness M of all blocks",
            allowed["actionness"],
            format_func=ACTIONNESS_NAMES.get,
            help=UNIFORM,
            **kept("actionness"),
        )
        if len(allowed["actionness"]) == 1:
            st.caption(WITHOUT_LOCATOR)
    hides, frozen = used["hide"] != "nothing", used["order"] == "frozen"
    if not (hides or frozen or used["order"] == "shuffled"):
        return used
    widths = ({"step": 3} if frozen else {}) | ({"q": 4, "block": 2, "fill": 3} if hides else {})
    if hides or used["order"] == "shuffled":
        widths["seed"] = 2
    if left := 14 - sum(widths.values()):
        widths["nothing"] = left
    at = dict(zip(widths, st.columns([*widths.values()], gap="medium"), strict=True))
    if "step" in at:
        used["step"] = at["step"].select_slider("All steps show", allowed["step"], **kept("step"))
    if hides:
        used["q"] = at["q"].slider("Positions hidden, %", 0, 100, step=5, **kept("q"))
        used["block"] = at["block"].selectbox("Of block", allowed["block"], **kept("block"))
        used["fill"] = at["fill"].selectbox(
            "In its place", allowed["fill"], format_func=FILL_NAMES.get, **kept("fill")
        )
    if "seed" in at:
        used["seed"] = int(at["seed"].number_input("Seed", 0, MOST_SEED, help=SEED_HELP, **kept("seed")))
    return used


page()
