"""What a person is looking at, checkpoint and clip: chosen in the sidebar, kept across pages, restored from a link."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import streamlit as st

from analysis.map_values import TOGETHER
from app import loading
from app.browsing import carried, choose_from_data_set, thumbnails
from app.links import is_way_back, set_address, unknown
from app.loading import ChoiceError, Clip
from app.loading.data_set import LINK, clip_of_link
from app.markdown import plain
from atr.options import OVERLAY_STYLES
from atr.schema import line
from atr.video.decoding import DamageError, Notice

SHIPPED, DATA, UPLOAD, PATH = "Shipped", "Data set", "Upload", "Path"
KIND_NAMES = {"raw": "raw M", "sigmoid": "sigmoid(M)", "softmax": "spatial softmax", TOGETHER: "response"}
STYLE_NAMES = {"value": "by value", "flat": "flat", "signed": "signed"}
VIEWS = {"crop": "Centre crop", "whole": "Whole frame"}
LINKED = ("clip", "checkpoint", "region")  # keys of the address of a page that shows one clip
CHECKPOINT, OF_RELATIONS = "checkpoint", "relations_checkpoint"  # states: of all pages; of Temporal relations


@contextmanager
def one_error() -> Iterator[None]:
    """Whatever cannot be had is one error on the page; its message names it."""
    try:
        yield
    except DamageError as error:
        st.error(plain(str(error)), icon=":material/error:")
        choose_damaged()
    except ValueError as error:
        st.error(plain(str(error)), icon=":material/error:")


def choose_damaged() -> None:
    st.toggle(
        "Use the frames that can be decoded",
        key=carried("allow_damaged", False),
        persist_state="session",
        help="In the place of a frame that cannot be decoded, the nearest that can be is shown to the networks.",
    )


def as_chosen(clip: Clip) -> Clip:
    """With damage allowed where it is."""
    return replace(clip, allow_damaged=st.session_state.get("allow_damaged", False))


def show_notices(notices: Sequence[Notice]) -> None:
    """What is to be known of a video, above the picture; damage that is allowed can be refused again."""
    damage = [notice for notice in notices if notice.kind == "damage"]
    if damage:
        st.warning(plain("This video is damaged: " + "; ".join(damage) + "."), icon=":material/broken_image:")
    if st.session_state.get("allow_damaged", False) and damage:
        choose_damaged()
    for notice in notices:
        if notice.kind != "damage":
            st.caption(f":material/info: {plain(notice)}")


def overlay_styles(kind: str) -> list[str]:
    """Those in which values of this kind can be drawn."""
    return [style for style in OVERLAY_STYLES if style != "signed" or kind == "raw"]


def begin(view: Collection[str] = (), state: str = CHECKPOINT) -> tuple[list[str], list[Clip]]:
    """Checkpoints and shipped clips to choose from; what the link asks for of them is chosen then. Arguments: as `read_link`."""
    names = loading.checkpoint_names()
    try:
        clips = loading.shipped_clips()
    except ChoiceError as error:  # uploads and paths still work
        st.error(plain(str(error)), icon=":material/error:")
        clips = []
    read_link(names, clips, view, state)
    return names, clips


def read_link(checkpoints: list[str], clips: list[Clip], view: Collection[str], state: str) -> None:
    """Take clip and checkpoint from the address, once a session and after a way back; what is unknown is warned of.

    view: what the explorer opens with, where it is on the page; on others such a key is of the page's own. state: that of
    the page's checkpoint.
    """
    if "link" in st.session_state:
        return
    asked, warnings = st.query_params.to_dict(), []
    st.session_state["link"] = {
        "warnings": warnings,
        "checkpoint": asked.get("checkpoint"),
        "state": state,
        "view": {key: asked[key] for key in view if key in asked},
    }
    if (region := asked.get("region")) is not None:
        if region in VIEWS:
            st.session_state["view"] = region
        else:
            warnings.append(unknown("region", region, list(VIEWS)))
    elif is_way_back() and view:
        st.session_state["view"] = next(iter(VIEWS))
    if (name := asked.get("checkpoint")) is not None:
        if name in checkpoints:
            st.session_state[state] = name
        else:
            warnings.append(unknown("checkpoint", name, checkpoints))
    if (name := asked.get("clip")) is not None:
        if name in [clip.link for clip in clips]:
            st.session_state.update(source=SHIPPED, shipped=name)
        else:
            try:
                if name.startswith(f"{LINK}:"):
                    clip_of_link(name)
                    st.session_state.update(source=DATA, data_clip=name)
                else:
                    loading.clip_in_root(name)
                    st.session_state.update(source=PATH, path=name)
            except ChoiceError as error:
                warnings.append(
                    f"The link asks for clip {line(repr(name))}, which is not a shipped clip. {error}"
                )


def write_link(clip: Clip, checkpoint: str, region: str) -> dict[str, str] | None:
    """The address restores them from now on; the view joins it in the browser, when asked for. region: a key of VIEWS."""
    link = None
    if clip.link:
        link = {"clip": clip.link, "checkpoint": checkpoint} | (
            {} if region == "crop" else {"region": region}
        )
    set_address(link or {}, LINKED)
    return link


def choose_checkpoint(names: list[str], state: str = CHECKPOINT) -> str | None:
    """state: that of the page's checkpoint; what is chosen is chosen for all pages."""
    if not names:
        return None
    if (chosen := st.session_state.get(state)) not in names:
        gone, chosen = chosen, next(filter(loading.whole_checkpoint, names), names[0])
        tell_gone("checkpoint", gone, chosen)
    key = carried(state, chosen, names)

    def changed() -> None:
        st.session_state[CHECKPOINT] = st.session_state[state]

    options = {} if state == CHECKPOINT else {"on_change": changed}
    chosen = st.sidebar.selectbox("Checkpoint", names, key=key, persist_state="session", **options)
    tell_unusable(names)
    return chosen


def tell_gone(what: str, gone: str | None, shown: str) -> None:
    """That something else is shown than was chosen, where this is no longer there."""
    if gone is not None:
        text = f"The {what} {line(repr(gone), 200)} is no longer there; {line(repr(shown), 200)} is shown."
        st.toast(plain(text), icon=":material/link_off:", duration="infinite")


def tell_unusable(names: list[str]) -> None:
    """One line in the sidebar on the folders that are no whole checkpoints."""
    if unusable := [name for name in names if not loading.whole_checkpoint(name)]:
        st.sidebar.caption(plain(f"Cannot be used, see Checkpoints: {', '.join(unusable)}"))


def prefer_graph_reasoner(names: list[str]) -> None:
    """Where the checkpoint of the other pages has no relations, their page opens with one that has; the others keep theirs.

    Not in the place of one that was chosen on the page of relations, or that a link to it asked for.
    """
    if OF_RELATIONS in st.session_state["carried"]:  # not the first run of a visit
        return
    link = st.session_state["link"]
    if link.pop("state", None) == OF_RELATIONS and link["checkpoint"] in names:  # on the first visit
        return
    configs = {name: loading.model_config(name) for name in names}
    graphs = [name for name, c in configs.items() if c and c.block and c.atr.reasoner == "gr"]
    elsewhere, before = st.session_state.get(CHECKPOINT), st.session_state.get(OF_RELATIONS)
    is_chosen_here = elsewhere is not None and elsewhere == before
    if graphs and elsewhere not in graphs and not is_chosen_here:
        st.session_state[OF_RELATIONS] = before if before in graphs else graphs[0]
    elif elsewhere is not None:
        st.session_state[OF_RELATIONS] = elsewhere


def upload_changed() -> None:
    """A video that is taken back is gone, its file too. The first that is uploaded opens with a checkpoint that has learnt
    from videos, unless a link asked for one.
    """
    if st.session_state.get("upload") is None:
        remove_upload()
        return
    if st.session_state.get("uploads_seen", False):
        return
    st.session_state["uploads_seen"] = True
    fitting = [name for name in loading.checkpoint_names() if loading.learnt_from_videos(name)]
    asked = st.session_state["link"]["checkpoint"]
    if fitting and asked is None and st.session_state.get("checkpoint") not in fitting:
        st.session_state["checkpoint"] = fitting[0]


def remove_upload() -> None:
    if removed := st.session_state.pop("uploaded", None):
        removed.source.unlink(missing_ok=True)


def choose_view() -> str:
    return st.sidebar.segmented_control(
        "Region shown to the model",
        list(VIEWS),
        format_func=VIEWS.get,
        key=carried("view", next(iter(VIEWS)), list(VIEWS)),
        persist_state="session",
        required=True,
        width="stretch",
        help="Maps are computed on the centre crop of the evaluation, or on the whole frame. The prediction is always "
        "that of the centre crop. A checkpoint that squeezes frames is shown the whole frame in either case.",
    )


@contextmanager
def chosen_clip(clips: list[Clip]) -> Iterator[Clip | None]:
    """The chosen clip, or None with a sentence on the page when nothing is chosen yet. Raises ChoiceError.

    Thumbnails that are new to the page are drawn at the end of the block.
    """
    later = ExitStack()
    choose = {
        SHIPPED: lambda: _shipped(clips, later),
        DATA: lambda: choose_from_data_set(later),
        UPLOAD: _upload,
        PATH: _typed,
    }
    if loading.root("data") is None:
        del choose[DATA]
    key = carried("source", SHIPPED if clips else UPLOAD, list(choose))
    with st.sidebar:
        source = st.segmented_control(
            "Clip", list(choose), key=key, required=True, width="stretch", persist_state="session"
        )
        try:
            clip = choose[source]()
        except ChoiceError:
            set_address({}, LINKED)
            raise
    if clip is None:
        set_address({}, LINKED)  # which else would be of the clip before
    try:
        yield clip and as_chosen(clip)
    except Exception:  # what ends a run for the next one is none
        later.close()
        raise
    later.close()


def _shipped(clips: list[Clip], later: ExitStack) -> Clip | None:
    if absent := loading.absent_clips():
        told = f"{len(absent)} of {len(absent) + len(clips)} listed videos are not there; the first is {absent[0].source}"
        if not clips:
            raise ChoiceError(f"{told} (the folder is set by ATR_CLIPS).")
        st.warning(plain(told), icon=":material/folder_off:")
    if not clips:
        raise ChoiceError(
            f"There are no clips in {loading.root('clips')}: it needs an annotations.json as python -m atr tabletop "
            "writes it (the folder is set by ATR_CLIPS). Upload a video instead."
        )
    by_name = {clip.name: clip for clip in clips}
    if (gone := st.session_state.get("shipped")) not in by_name:
        tell_gone("clip", gone, clips[0].name)
        st.session_state["shipped"] = clips[0].name

    def clicked(name: str) -> None:
        if name in by_name:
            st.session_state["shipped"] = name

    chosen = st.session_state["shipped"]
    thumbnails(clips, later, name="Shipped clips", chosen=chosen, on_choice=clicked, key="gallery")
    return by_name[chosen]


def _upload() -> Clip | None:
    file = st.file_uploader(
        "Video",
        type=list(loading.UPLOAD_KINDS),
        key="upload",
        label_visibility="collapsed",
        on_change=upload_changed,
    )
    if "upload_folder" not in st.session_state:  # it is deleted with the session
        st.session_state["upload_folder"] = loading.upload_folder()
    folder = st.session_state["upload_folder"]
    if file is not None and st.session_state.get("upload_kept") != file.file_id:  # once: it may be 200 MB
        kept = loading.keep_upload(file.name, file.getvalue(), Path(folder.name))
        st.session_state.update(uploaded=kept, upload_kept=file.file_id)
    if clip := st.session_state.get("uploaded"):
        st.caption(
            f"Chosen: {plain(clip.name)}. It stays on this machine until it is removed or the session ends."
        )
        if file is None:  # after a visit to another page the uploader is empty, without its ✕
            st.button("Remove", icon=":material/delete:", on_click=remove_upload)
    return clip


def _typed() -> Clip | None:
    folder = loading.root("videos")
    typed = st.text_input(
        "Path of a video",
        key=carried("path", ""),
        placeholder="folder/clip.mp4",
        help=f"Inside {plain(str(folder))}",
        persist_state="session",
    )
    return loading.clip_in_root(typed) if typed.strip() else None
