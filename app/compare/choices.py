"""What the page "Compare" is about: checkpoints, clips, filters; chosen by people, kept across pages, restored from a link."""

import streamlit as st

from analysis.compare.comparable import LETTERS, require_comparable
from analysis.compare.numbers import FILTERS
from app import loading
from app.browsing import ALL
from app.choices import tell_unusable
from app.links import LOOKED_AT, Link, remember_address, set_address
from app.loading import ChoiceError
from app.loading.predictions import Stored, stored_predictions
from app.markdown import plain
from app.stored import told_apart
from atr.checkpoint import CheckpointError

FIRST_PAIR = ("tabletop-atr", "tabletop-atr-sim")  # shown on the first launch when they are there
MOST = len(LETTERS)
FIRST_FILTERS = ("only_a", "only_b", "all")  # the first that finds a clip is shown first
CHOSEN = (*LETTERS.lower(), "list", "filter", "label", "clip", "gradcam", "tab")  # keys of a link


# ---- links -----------------------------------------------------------------------------------------------------------


def page_link() -> Link:
    return Link.of("compare_link", (*CHOSEN, *LOOKED_AT))


def write_link(link: dict[str, str]) -> None:
    """The view of the clip joins it in the browser, when asked for."""
    set_address(link, CHOSEN)


def choose_tab(titles: list[str]) -> dict[str, str]:
    """The tab that is open, for the link; nothing where it is the first."""
    page_link().settle("compared_tab", "tab", titles, titles[0], "tab")
    chosen = st.session_state["compared_tab"]
    return {} if chosen == titles[0] else {"tab": chosen}


def write_tab(link: dict[str, str]) -> None:
    """link: of `choose_tab`. What else the address holds stays, what was chosen in the browser too."""
    if (wanted := link.get("tab")) is None:
        st.query_params.pop("tab", None)
    elif st.query_params.get("tab") != wanted:
        st.query_params["tab"] = wanted
    remember_address()


# ---- checkpoints and clips -------------------------------------------------------------------------------------------


def choose_checkpoints(names: list[str]) -> list[str]:
    """Two to four that can be loaded; what cannot is named in an error. Raises ChoiceError where fewer are left."""
    if not names:
        raise ChoiceError(loading.no_checkpoint())
    wanted = [page_link().take(key, names, "checkpoint") for key in LETTERS.lower()]
    if wanted := list(dict.fromkeys(filter(None, wanted))):
        others = [name for name in first_choice(names) if name not in wanted]
        st.session_state["compared"] = wanted + others[: max(2 - len(wanted), 0)]
    else:
        before = st.session_state.get("compared")
        kept = [name for name in (first_choice(names) if before is None else before) if name in names]
        if (
            kept != before
        ):  # a value set in every run would take the place of what is being chosen in the browser
            st.session_state["compared"] = kept
    chosen = st.sidebar.multiselect(
        "Checkpoints",
        names,
        key="compared",
        persist_state="session",
        max_selections=MOST,
        help="Two to four. The first is A, the second B.",
    )
    tell_unusable(names)
    whole = [name for name in chosen if loads(name)]
    if len(names) == 1:
        raise ChoiceError(
            f"Two checkpoints are needed to compare; there is one in {loading.root('checkpoints')}: {names[0]}."
        )
    if len(whole) < 2:
        raise ChoiceError("Two checkpoints are needed to compare: choose two to four in the sidebar.")
    return whole


def first_choice(names: list[str]) -> list[str]:
    if all(name in names for name in FIRST_PAIR):
        return list(FIRST_PAIR)
    return sorted(names, key=lambda name: not loading.whole_checkpoint(name))[:2]


def loads(name: str) -> bool:
    try:
        loading.model(name)
    except CheckpointError as error:
        st.error(f"**{plain(name)}** cannot be used. {plain(str(error))}", icon=":material/error:")
        return False
    return True


def choose_list(checkpoints: list[str]) -> tuple[list[Stored], list[str]]:
    """The stored predictions to compare, of the same clips, classes and protocol; and who has none of any kind.

    Raises NotComparable where no list of clips is common to those that have some.
    """
    found, missing = {}, []
    for name in checkpoints:
        stored, faults = stored_predictions(name)
        for fault in faults:
            st.warning(plain(fault), icon=":material/broken_image:")
        if stored:
            found[name] = stored
        else:
            missing.append(name)
    if len(found) < 2:
        return [], missing
    first = next(iter(found.values()))
    common = [of for of in first if all(of in stored for stored in found.values())]
    if not common:
        require_comparable([next(iter(stored.values())).predictions for stored in found.values()])
    titles = told_apart({of: first[of].title for of in common}, {of: of for of in common})
    page_link().settle("compared_list", "list", common, common[0], "the list of clips")
    chosen = st.sidebar.selectbox(
        "Predictions of",
        common,
        key="compared_list",
        persist_state="session",
        format_func=titles.get,
        help="Clips and protocol for which every chosen checkpoint has stored predictions.",
    )
    partial = {of: stored for each in found.values() for of, stored in each.items() if of not in common}
    for of, stored in partial.items():
        lacking = [name for name, each in found.items() if of not in each]
        st.sidebar.caption(plain(f"Not for all: {stored.title}, missing for {', '.join(lacking)}."))
    return [stored[chosen] for stored in found.values()], missing


def choose_filter(counts: dict[str, int]) -> str:
    """counts: key of FILTERS -> clips."""
    clip_asked = "clip" in page_link().asked
    first = next(key for key in FIRST_FILTERS if (counts[key] and not clip_asked) or key == "all")
    named = {key: title for key, (title, _) in FILTERS.items()}
    page_link().settle("compared_filter", "filter", named, first, "filter")
    # The browser knows an option by its text, which holds its count: where that is another, the choice is sent again.
    if st.session_state.get("compared_counts") != counts:
        chosen = st.session_state["compared_filter"]
        st.session_state.update(compared_counts=counts, compared_filter=chosen)
    return st.radio(
        "Clips",
        list(FILTERS),
        key="compared_filter",
        persist_state="session",
        format_func=lambda key: f"{named[key]} · {counts[key]:,}",
    )


def choose_label(labels: list[str]) -> str | None:
    """A true class, or None for all of them."""
    page_link().settle("compared_label", "label", [ALL, *labels], ALL, "class")
    chosen = st.selectbox("True class", [ALL, *labels], key="compared_label", persist_state="session")
    return None if chosen == ALL else chosen
