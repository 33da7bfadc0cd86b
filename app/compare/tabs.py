"""The page "Compare": tabs below the clip, summary, classes, confusions, calibration, agreement, localisation, numbers."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from analysis.compare.figures import (
    COSTS,
    confusion_difference_figure,
    confusion_figure,
    cost_figure,
    per_class_figure,
    reliability_figure,
)
from analysis.compare.numbers import all_pairs
from analysis.compare.report import CAVEAT
from analysis.compare.tables import agreement_text, confusions_texts, provenance
from analysis.figures import LEGEND_ABOVE
from analysis.localize.fig5 import fig5_table
from analysis.localize.figures import (
    acting_figure,
    costs_figure,
    fig5_figure,
    has_costs,
    localization_figure,
)
from analysis.localize.numbers import acting_table, localization_table
from app import loading
from app.browsing import ALL
from app.compare.exports import against
from app.exports import Download, download_row, written
from app.loading.predictions import Stored, Tables
from app.markdown import plain
from app.stored import (
    alignment_of,
    clips_localised,
    fullest_first,
    stored_results,
    tell_left_out,
    told_apart,
)
from atr.results.predictions import TABLE, Predictions

# Columns of `compare.numbers.per_class`, in percent.
PER_CLASS = {
    "label": "class",
    "a": st.column_config.NumberColumn("A, %", format="%.1f"),
    "b": st.column_config.NumberColumn("B, %", format="%.1f"),
    "difference": st.column_config.NumberColumn("A minus B, points", format="%+.1f"),
    "only_a": "only A right",
    "only_b": "only B right",
    "p": st.column_config.NumberColumn("p (McNemar)", format="%.2g"),
    "p_holm": st.column_config.NumberColumn("p, adjusted (Holm)", format="%.2g"),
}


def contents(stored: Sequence[Stored], tables: Tables) -> dict[str, Callable[[], None]]:
    """What the tabs are called and what draws each."""
    predictions = [s.predictions for s in stored]
    return {
        "Summary": lambda: summary(tables),
        "Classes": lambda: classes(tables.classes, [p.name for p in predictions]),
        "Confusions": lambda: confusions(predictions, tables),
        "Calibration": lambda: calibration(tables),
        "Agreement": lambda: agreement(predictions, tables),
        "Localisation": lambda: localisation([p.name for p in predictions]),
        "Numbers": lambda: numbers(stored, tables),
    }


def summary(tables: Tables) -> None:
    st.caption(CAVEAT)
    st.dataframe(tables.overview, hide_index=True)
    if len(tables.overview) > 2:
        st.caption("All pairs; p is adjusted for the number of pairs (Holm).")
        st.dataframe(tables.pairs, hide_index=True)
    st.subheader("What differs", anchor=False)
    if tables.differences.empty:
        st.caption("Only their weights; all recorded settings are the same.")
    else:
        st.dataframe(tables.differences, hide_index=True)
    st.subheader("Accuracy against cost", anchor=False)
    names = {"macs": "MACs", "parameters": "Parameters"}
    cost = st.segmented_control(
        "Cost",
        list(COSTS),
        default="macs",
        format_func=names.get,
        required=True,
        key="cost",
        label_visibility="collapsed",
    )
    figure = cost_figure(tables.numbers, cost).update_layout(height=320, legend=LEGEND_ABOVE, margin_t=50)
    st.plotly_chart(figure, key="costs", alt="Top-1 with intervals against cost")


def classes(table: pd.DataFrame, names: list[str]) -> None:
    """table: `compare.numbers.per_class`. A click on a class leaves the clips of no other in the sidebar, a second one of all."""
    label = st.session_state["compared_label"]
    key = f"classes {label}"  # another chart for another class: what is highlighted in it is that class, however chosen

    def picked() -> None:
        if points := st.session_state[key].selection.points:
            clicked = table.label[points[0]["point_index"]]
            st.session_state.update(compared_label=ALL if clicked == label else clicked, compared_picked=True)

    if st.session_state.pop("compared_picked", False):
        st.rerun()  # of the whole page: the clips are outside the tabs
    st.caption("Click a class to choose from its clips, again to choose from all.")
    st.plotly_chart(
        per_class_figure(table, *names[:2], chosen=label),
        key=key,
        on_select=picked,
        selection_mode="points",
        alt="Accuracy of A minus that of B for every class as bars",
    )


def confusions(predictions: Sequence[Predictions], tables: Tables) -> None:
    a, b = predictions[:2]
    st.markdown(
        "Confusions of A and of B, those first in which the two differ most. *Solved*: clips that the one takes for the "
        "wrong class and the other classifies correctly."
    )
    wide = {name: st.column_config.TextColumn(width=330) for name in ("true class", "predicted")}
    st.dataframe(confusions_texts(tables.confusions), hide_index=True, height=300, column_config=wide)
    matrices = {p.name: p.confusion() for p in predictions}
    figure = confusion_difference_figure(matrices[a.name], matrices[b.name], a.labels)
    st.plotly_chart(figure, key="confusion_difference", alt="Confusions of A minus those of B as a heat map")
    st.caption("On the diagonal blue is good for A; off it orange is good for A.")
    chosen = st.multiselect(
        "Matrices",
        list(matrices),
        default=[a.name, b.name],
        max_selections=2,
        key=f"matrices {a.name} {b.name}",
    )
    if chosen:
        figure = confusion_figure({name: matrices[name] for name in chosen}, a.labels)
        st.plotly_chart(figure, key="confusion_matrices", alt="Confusion matrices, shares of each true class")


def calibration(tables: Tables) -> None:
    st.plotly_chart(
        reliability_figure(tables.curves),
        key="reliability",
        alt="Accuracy against confidence, with 95 % intervals",
    )
    st.caption(
        "ECE, the expected calibration error: the mean distance of accuracy from confidence over the bins, weighted by "
        "their clips. 0 is calibrated; a curve below the diagonal is overconfident."
    )


def agreement(predictions: Sequence[Predictions], tables: Tables) -> None:
    st.markdown(plain(agreement_text(*predictions[:2])))
    a, b = tables.clips.right_a, tables.clips.right_b
    counts = pd.crosstab(
        a.map({True: "A right", False: "A wrong"}), b.map({True: "B right", False: "B wrong"})
    )
    rows, columns = ["A right", "A wrong"], ["B right", "B wrong"]
    counts = counts.reindex(index=rows, columns=columns, fill_value=0)
    st.dataframe(counts.rename_axis(None).rename_axis(None, axis=1), width=360)


def localisation(checkpoints: Sequence[str]) -> None:
    """What `python -m analysis localize` found, of lists of clips for which every shown checkpoint has a result."""
    # (digest of the clips, alignment) -> checkpoint -> result
    found: dict[tuple[str, str], dict[str, dict]] = {}
    for name in checkpoints:
        for result in fullest_first(stored_results(name, "localize").values()):
            # the checkpoint's folder may have been renamed since
            result = {**result, "checkpoint": {**result["checkpoint"], "name": name}}
            of = result["data"]["digest"], alignment_of(result)
            found.setdefault(of, {}).setdefault(name, result)
    if not found:
        st.info(
            "No localisation result is stored for these checkpoints. It measures whether their maps find the action."
        )
        localisation_commands(checkpoints)
        return
    lists = sorted(found, key=lambda of: (-len(found[of]), -next(iter(found[of].values()))["clips"]))
    titles = {of: clips_localised(next(iter(found[of].values()))) for of in lists}
    titles = told_apart(titles, {of: of[0][:8] for of in lists})
    chosen = lists[0]
    if len(lists) > 1:
        chosen = st.selectbox("Clips", lists, format_func=titles.get, key="localisation_of")
    results = list(found[chosen].values())
    tell_left_out(*results)
    st.markdown(
        plain(f"Maps against {results[0]['truth']}: {titles[chosen]}, {results[0]['frames']:,} frames. ")
        + "A map is on the action where it is above chance, above the centre and above what merely moves."
    )
    for note in results[0].get("not_computed", ()):
        st.caption(plain(f"{note}."))
    st.plotly_chart(
        localization_figure(results),
        key="localisation",
        alt="Pointing, mass and precision of every block's maps",
    )
    if results[0]["emphasis_clips"]:
        charted(
            "Are the maps higher while the action happens?",
            acting_figure(results),
            key="localisation_acting",
            alt="How often a frame with action is higher than another, by block",
            caption="Of all pairs of a frame in which the action happens and another of the same clip: the share in which the first has "
            "the higher peak, or mean, of its map; ½ is chance. Open points: after the mean course over all clips was taken away.",
        )
    if scored := [result for result in results if result.get("fig5", {}).get("clips")]:
        charted(
            "Where and when at once",
            fig5_figure(scored),
            key="localisation_fig5",
            alt="Fig-5 score of every block's maps",
            caption="The Fig-5 score, which is ours, for what the paper's Fig 5 shows: average precision of raw maps over all pixels of "
            "all frames of a clip; positive is the target while it acts, "
            "and in the second row its union with the target of the next sampled frame. Clip pointing: share of clips whose "
            "strongest pixel of all lies on the target while it acts.",
        )
    if costly := [result for result in results if has_costs(result)]:
        charted(
            "What costs the score",
            costs_figure(costly),
            key="localisation_costs",
            alt="Fig-5 score if something were not ranked, by block",
            caption="The Fig-5 score of raw M, and what it would be if something were not ranked: the last sampled frame, of which "
            "the motion cue is zero by definition, unless it compares with both neighbours; frames in which nobody acts; of "
            "the others what else moves; of the others what does not move.",
        )
    offers = {
        "Localisation": partial(of_all, localization_table, results),
        "Emphasis": partial(of_all, acting_table, results),
    }
    if scored:
        offers["Fig-5 scores"] = partial(of_all, fig5_table, scored)
    download_tables(offers, against(result["checkpoint"]["name"] for result in results))
    for result in results:
        st.code(result["command"], language="bash", wrap_lines=True)
    if missing := [name for name in checkpoints if name not in found[chosen]]:
        st.caption(plain(f"Not stored for {', '.join(missing)}:"))
        localisation_commands(missing)


def charted(heading: str, figure: go.Figure, *, key: str, alt: str, caption: str) -> None:
    """A chart under a heading, and below it what it says."""
    st.subheader(heading, anchor=False)
    st.plotly_chart(figure, key=key, alt=alt)
    st.caption(caption)


def of_all(table: Callable[[dict], pd.DataFrame], results: Sequence[dict]) -> pd.DataFrame:
    """One table of several results."""
    return pd.concat(table(result).assign(checkpoint=result["checkpoint"]["name"]) for result in results)


def localisation_commands(checkpoints: Sequence[str]) -> None:
    for name in checkpoints:
        path = shlex.quote(str((loading.root("checkpoints") / name).resolve()))
        st.code(f"python -m analysis localize --checkpoint {path}", language="bash", wrap_lines=True)


def numbers(stored: Sequence[Stored], tables: Tables) -> None:
    predictions = [s.predictions for s in stored]
    in_percent = {name: 100 * tables.classes[name] for name in ("a", "b", "difference")}
    st.dataframe(tables.classes.assign(**in_percent), hide_index=True, column_config=PER_CLASS)
    offers: dict[str, Callable[[], pd.DataFrame]] = {
        "Summary": lambda: tables.numbers,
        "Classes": lambda: tables.classes,
        "Confusions": lambda: tables.confusions,
        "Clips": lambda: tables.clips,
        "Pairs": lambda: all_pairs(predictions),
        "Reliability": lambda: reliability_table(tables),
    }
    download_tables(offers, against(p.name for p in predictions), key="get table")
    st.subheader("Predictions", anchor=False)
    for s in stored:
        name = s.predictions.name
        left, right = st.columns([1, 2], vertical_alignment="center")
        left.markdown(plain(name))
        with right:
            download_row(
                [
                    Download(
                        "Parquet",
                        f"{name}.parquet",
                        "application/octet-stream",
                        (s.folder / TABLE).read_bytes,
                    ),
                    Download(
                        "NPZ", f"{name}.npz", "application/octet-stream", partial(arrays, s.predictions)
                    ),
                ],
                key=f"get {name}",
            )
    st.subheader("Made by", anchor=False)
    st.dataframe(provenance(predictions).set_index("predictions").drop(index="made by"), height="content")
    for p in predictions:
        st.code(p.facts["command"], language="bash", wrap_lines=True)


def download_tables(offers: Mapping[str, Callable[[], pd.DataFrame]], compared: str, **options) -> None:
    """A button a table, as CSV. compared: what is, in the names of the files. options: of `download_row`."""

    def offer(text: str, make: Callable[[], pd.DataFrame]) -> Download:
        name = f"{compared}-{text.lower().replace(' ', '-')}.csv"
        return Download(f"{text}, CSV", name, "text/csv", partial(as_csv, make))

    download_row([offer(*each) for each in offers.items()], **options)


def as_csv(make: Callable[[], pd.DataFrame]) -> str:
    return make().to_csv(index=False)


def reliability_table(tables: Tables) -> pd.DataFrame:
    """The curves of `compare.numbers.reliability` below one another, with their checkpoint and its ECE."""
    return pd.concat([curve.assign(checkpoint=name, ece=ece) for name, (curve, ece) in tables.curves.items()])


def arrays(predictions: Predictions) -> bytes:
    """ids (N,), labels (C,), targets (N,), scores (N, C) as NPZ."""
    return written(
        ".npz",
        lambda path: np.savez_compressed(
            path,
            ids=predictions.ids,
            labels=predictions.labels,
            targets=predictions.targets,
            scores=predictions.scores,
        ),
    )
