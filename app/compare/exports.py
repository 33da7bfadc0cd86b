"""The page "Compare": what is taken along of a clip, films, strips and maps of each side, and the report."""

from collections.abc import Iterable, Sequence
from functools import partial
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import streamlit as st

from analysis.actionness import ClipActionness
from analysis.compare.report import build_report
from analysis.compare.report_clips import chosen_clips, frame_source
from analysis.map_values import NORMALISATIONS, TOGETHER, in_file_names, with_together
from analysis.overlays import Scale
from app import loading
from app.choices import KIND_NAMES, STYLE_NAMES, overlay_styles
from app.explorer import SidesPayload
from app.explorer.sides import RESPONSE, values_of
from app.exports import Download, download_row, file_stem, overlay_film, strip, written
from app.loading import Look
from app.loading.looks import uniform_maps
from app.loading.turns import networks
from app.markdown import plain
from atr.results.predictions import Predictions

OF_ALL_BLOCKS = {RESPONSE: (KIND_NAMES[TOGETHER], TOGETHER)}
VALUES = {  # source -> kind -> these values in words, as in values.js, and as figures call them
    "actionness": {kind: (KIND_NAMES[kind], kind) for kind in NORMALISATIONS} | OF_ALL_BLOCKS,
    "gradcam": {"relative": ("of its maximum", "gradcam"), "raw": ("as computed", "gradcam_raw")}
    | OF_ALL_BLOCKS,
}


def against(names: Iterable[str]) -> str:
    """Checkpoints that are compared, in the name of a file; the first is A."""
    return "-against-".join(names)


def drawn(
    looks: Sequence[Look], source: str, block: str, kind: str
) -> dict[str, tuple[ClipActionness, np.ndarray]]:
    """Of every checkpoint that has such maps, what `strip` and `overlay_film` draw."""
    found = {}
    for look in looks:
        actionness = look.result.maps or uniform_maps(look)
        maps = (look.gradcam or {}) if source == "gradcam" else actionness
        if block == TOGETHER:  # computed where it is wanted alone
            maps = with_together(maps)
        if block in maps:
            found[look.checkpoint] = look.result, values_of(source, kind, maps[block])
    return found


@st.fragment
def take_along(
    looks: Sequence[Look],
    payload: SidesPayload,
    block: str | None,
    scores: pd.DataFrame,
    gradcam: str,
) -> None:
    """block: to begin with; the last when None. scores: `class_scores`. gradcam: of which class, in names of files."""
    stem = file_stem(looks[0].clip)
    all_sides = f"{stem}-{against(look.checkpoint for look in looks)}"
    table = Download(
        "Class scores, CSV", f"{all_sides}-scores.csv", "text/csv", lambda: scores.to_csv(index=False)
    )
    sources = [source for source in payload.sources if payload.header["scales"].get(source)]
    with st.expander("Download this clip", icon=":material/download:"):
        if not sources:
            download_row([table], key="take")
            return
        left, middle, right, values, last = st.columns(5)
        source = left.selectbox(
            "Map", sources, format_func=lambda s: payload.header["sources"][s]["name"], key="take_source"
        )
        first = payload.blocks.index(block or payload.last_block)
        block = middle.selectbox("Block", payload.blocks, index=first, key="take_block")
        kinds = payload.header["scales"][source].get(block)
        if not kinds:
            st.caption(plain(f"No checkpoint has {source} maps at {block}."))
            download_row([table], key="take")
            return
        kind = values.selectbox(
            "Values",
            list(kinds),
            format_func=lambda k: VALUES[source][k][0],
            key=f"take_kind {source} {block == TOGETHER}",
        )
        in_figures = VALUES[source][kind][1]
        found = drawn(looks, source, block, kind)
        side = right.selectbox("Checkpoint", list(found), key="take_side")
        styles = overlay_styles(in_figures)
        style = last.selectbox("Overlay", styles, format_func=STYLE_NAMES.get, key="take_style")
        of_class = f"-of-{gradcam}" if source == "gradcam" else ""
        name = f"{stem}-{side}-{in_file_names(block)}-{source}{of_class}-{kind}-{style}"
        # The page's, one for all sides.
        limits, median = (payload.header[key][source][block][kind] for key in ("scales", "medians"))
        scale = Scale(limits, median, style=style)
        film = partial(overlay_film, *found[side], scale)
        picture = partial(strip, *found[side], scale, block=block, kind=in_figures)
        download_row(
            [
                Download("MP4", f"{name}.mp4", "video/mp4", lambda: film(".mp4")),
                Download("GIF", f"{name}.gif", "image/gif", lambda: film(".gif")),
                Download("Strip, PNG", f"{name}.png", "image/png", lambda: picture(".png")),
                Download(
                    "Maps, NPZ",
                    f"{all_sides}-maps.npz",
                    "application/octet-stream",
                    lambda: maps_file(looks),
                ),
                table,
            ],
            key="take",
        )


def class_scores(predictions: Sequence[Predictions], index: int) -> pd.DataFrame:
    """Every checkpoint's probability of every class of one clip, and which class is true."""
    labels = predictions[0].labels
    table = {"class": labels, "true": np.arange(len(labels)) == predictions[0].targets[index]}
    return pd.DataFrame(table | {p.name: p.scores[index] for p in predictions})


def maps_file(looks: Sequence[Look]) -> bytes:
    """Every map of every side: CHECKPOINT/actionness/BLOCK and CHECKPOINT/gradcam/BLOCK, with "all blocks" where there are
    several, and the frames' indices.

    CHECKPOINT/gradcam_class is the label of the class that the Grad-CAM is of.
    """
    arrays = {"indices": looks[0].result.indices, "fps": looks[0].result.fps, "box": looks[0].result.box}
    for look in looks:
        for source, maps in (("actionness", look.result.maps), ("gradcam", look.gradcam or {})):
            named = with_together(maps).items()
            arrays |= {f"{look.checkpoint}/{source}/{block}": values for block, values in named}
        if look.gradcam_class is not None:
            arrays[f"{look.checkpoint}/gradcam_class"] = np.array(look.gradcam_class)
    return written(".npz", lambda path: np.savez_compressed(path, **arrays))


def report_button(predictions: Sequence[Predictions], link: dict[str, str]) -> None:
    """link: what restores the page; the report says so, and shows the first clips of the filter that is chosen."""
    a, b = (loading.model(p.name) for p in predictions[:2])
    address = f"the page Compare, at ?{urlencode(link)}"

    def make() -> str:
        try:
            sources = [
                frame_source(p.facts["data"]["name"], m) for p, m in zip(predictions, (a, b), strict=False)
            ]
            with networks.turn(lambda before: None):
                clips, chosen = chosen_clips(
                    predictions, (a, b), sources, filter=link["filter"], label=link.get("label")
                )
        except (ValueError, OSError) as error:  # the numbers do not need the videos
            clips, chosen = [], f"No clips are shown: {error}"
        return build_report(predictions, command=address, clips=clips, chosen=chosen)

    st.download_button(
        "Report (HTML)",
        make,
        f"{against(p.name for p in predictions)}.html",
        "text/html",
        on_click="ignore",
        icon=":material/article:",
        key="get report",
        width="stretch",
        help="One file that needs no network connection: tables, plots, and the first clips of the chosen filter.",
    )
