"""Checkpoints: a table of what each one is, how well it does and what it costs; and all that is recorded of one."""

from dataclasses import asdict, dataclass

import pandas as pd
import streamlit as st

from analysis.health import health_table
from analysis.training_curves import drawable, history_figure
from app import choices, loading
from app.links import Link, set_address, ways_back
from app.loading.results import readable_results
from app.markdown import plain
from atr.checkpoint import OWN_KEYS, CheckpointError
from atr.describe import Description
from atr.models import ModelConfig
from atr.preprocessing import Preprocessing
from atr.schema import counted

OVERVIEW = {
    "parameters": st.column_config.NumberColumn("Parameters, M", format="%.3f"),
    "macs": st.column_config.NumberColumn("MACs, G", format="%.3f", help="Multiply-accumulates of one view"),
    "size": st.column_config.NumberColumn("File, MB", format="%.1f"),
    "alive": st.column_config.Column(
        "Blocks alive",
        help="Neither collapsed, frozen nor silent; empty where `python -m analysis health` has not been run. The values of "
        "each block stand below",
    ),
}
BLOCK_NAMES = {"atr": "ATR", "atr_sim": "ATR_sim"}  # a kind without a name here is shown as it is recorded
METRIC_NAMES = {"top1": "Top-1", "top5": "Top-5", "within_pairs": "Within pairs"}


def page() -> None:
    st.title("Checkpoints", anchor=False)
    folder, (names, _) = loading.root("checkpoints"), choices.begin()
    if not names:
        st.error(plain(loading.no_checkpoint()), icon=":material/error:")
        return
    st.caption(
        f"Every folder in `{folder}`. MACs are multiply-accumulates of one view, a clip of the size the model takes. "
        "Accuracies are those that the training recorded, in its own precision; evaluated in float32, as on the page "
        "Compare, they may differ by some tenths of a point. Click a row for its details, a column's name to sort."
    )
    warnings = st.empty()
    found, faults = {}, {}
    for name in names:
        try:
            found[name] = Checkpoint.of(name)
        except CheckpointError as error:
            faults[name] = str(error)
    if found:
        chosen = choose(found)
        set_address({"checkpoint": chosen})
    Link.of("checkpoints_link", ()).show_warnings(warnings, also=st.session_state["link"]["warnings"])
    for name, fault in faults.items():
        st.error(f"**{plain(name)}** cannot be used. {plain(fault)}", icon=":material/error:")
    if found:
        details(chosen, found[chosen])


@dataclass(frozen=True)
class Checkpoint:
    """What is recorded of a checkpoint and what its network costs; its weights are not read."""

    config: ModelConfig
    preprocessing: Preprocessing
    labels: list[str]
    facts: dict
    costs: Description
    megabytes: float
    health: dict | None

    @classmethod
    def of(cls, name: str) -> "Checkpoint":
        """Raises CheckpointError."""
        recorded = loading.configuration(name)
        costs = loading.description(recorded)  # it is a network of this package
        return cls(
            ModelConfig.from_dict(recorded["model"]),
            Preprocessing.from_dict(recorded["preprocessing"]),
            recorded["labels"],
            {key: value for key, value in recorded.items() if key not in OWN_KEYS},
            costs,
            loading.megabytes(name),
            next(iter(readable_results(name, "health")[0].values()), None),
        )

    @property
    def shares(self) -> dict[str, float]:
        """The shares among the recorded metrics, such as top1, in percent, with the one decimal that is shown."""
        metrics = self.facts.get("metrics")
        return {
            METRIC_NAMES.get(key, plain(key)): round(100 * value, 1)
            for key, value in (metrics.items() if isinstance(metrics, dict) else ())
            if isinstance(value, float) and 0 <= value <= 1
        }


def choose(checkpoints: dict[str, Checkpoint]) -> str:
    """The name of the row that is chosen: at first the checkpoint of the link, or of the page before."""
    rows = [
        {
            "Checkpoint": name,
            "Network": backbone(checkpoint.config),
            "Block": block(checkpoint.config),
            "Placement": placement(checkpoint.config),
            "Reasoner": reasoner(checkpoint.config),
            "Distribution": distribution(checkpoint.config),
            **checkpoint.shares,
            "alive": alive(checkpoint.health),
            "parameters": checkpoint.costs.parameters / 1e6,
            "macs": checkpoint.costs.macs / 1e9,
            "size": checkpoint.megabytes,
            "Trained on": str(checkpoint.facts.get("training_data", "")),
        }
        for name, checkpoint in checkpoints.items()
    ]
    shares = {key for checkpoint in checkpoints.values() for key in checkpoint.shares}
    columns = {**OVERVIEW, **{key: st.column_config.NumberColumn(key, format="%.1f %%") for key in shares}}
    names = list(checkpoints)
    before = st.session_state.get("checkpoint")
    first = names.index(before) if before in names else 0
    event = st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config=columns,
        on_select="rerun",
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [first]}},
        # Of other folders it is another table, and after a way back, which chooses another row.
        key=f"checkpoints {names} {ways_back()}",
        placeholder="",
        alt="A table of the checkpoints",
    )
    chosen = names[next(iter(event.selection.rows), first)]
    st.session_state["checkpoint"] = chosen
    return chosen


def details(name: str, checkpoint: Checkpoint) -> None:
    """All that is recorded of one checkpoint."""
    config, costs, facts = checkpoint.config, checkpoint.costs, checkpoint.facts
    st.subheader(plain(name), anchor=False)
    st.markdown(network(config))
    figures = {
        **{key: f"{value:.1f} %" for key, value in checkpoint.shares.items()},
        "Parameters, M": f"{costs.parameters / 1e6:.3f}",
        "MACs, G": f"{costs.macs / 1e9:.3f}",
        "File": f"{checkpoint.megabytes:.1f} MB",
        "Classes": str(config.num_classes),
    }
    with st.container(horizontal=True):
        for label, value in figures.items():
            st.metric(label, value, width="content")
    st.markdown(f"**Trained on** {plain(str(facts.get('training_data', 'not stated')))}")
    metrics = facts.get("metrics")
    if isinstance(metrics, dict) and "data" in metrics:
        measured = ", protocol ".join(str(metrics[key]) for key in ("data", "protocol") if key in metrics)
        st.markdown(f"**Measured on** {plain(measured)}")
    if "Within pairs" in checkpoint.shares:
        st.caption("Within pairs: a prediction counts as correct if it is the class or its time reversal.")
    if command := facts.get("command"):
        st.code(str(command), language="bash", wrap_lines=True)
    else:
        st.caption("The command that made it is not recorded.")
    if checkpoint.health:
        st.markdown(f"**Health of its blocks**, {plain(checkpoint.health['data']['description'])}")
        table = health_table(checkpoint.health)
        numbers = table.select_dtypes("number").columns
        columns = {name: st.column_config.NumberColumn(format="%.2f") for name in numbers}
        st.dataframe(table, hide_index=True, column_config=columns)
    if history := drawable(facts.get("history")):
        st.markdown("**History of its training**")
        alt = "Loss and accuracy over the epochs"
        st.plotly_chart(history_figure(history), key="history", alt=alt)
    if confused := confusions(facts.get("most_confused")):
        st.markdown("**Most frequent confusions**")
        st.dataframe(pd.DataFrame(confused), hide_index=True)
    with st.expander("Blocks, configuration and all other recorded facts"):
        if costs.blocks:
            st.dataframe(pd.DataFrame([asdict(each) for each in costs.blocks]), hide_index=True)
        st.json(
            {
                "model": config.to_dict(),
                "preprocessing": checkpoint.preprocessing.to_dict(),
                "labels": checkpoint.labels,
                **facts,
            },
            expanded=1,
        )


def alive(health: dict | None) -> str:
    """How many blocks are, of how many; "" where it was not measured."""
    if health is None:
        return ""
    states = [block["state"] for block in health["blocks"]]
    return f"{states.count('alive')} of {len(states)}"


def confusions(recorded: object) -> list[dict[str, str]]:
    """As `most_confused` of a training gives them, as texts; none where they are of another form."""
    entries = recorded if isinstance(recorded, list) else []
    return [{str(k): str(v) for k, v in entry.items()} for entry in entries if isinstance(entry, dict)]


def backbone(config: ModelConfig) -> str:
    width = f", width {config.width:g}" if config.width != 1 else ""
    return f"{config.name}, {counted(config.num_frames, 'frame')}{width}"


def block(config: ModelConfig) -> str:
    return "none" if config.block is None else BLOCK_NAMES.get(config.block, config.block)


def placement(config: ModelConfig) -> str:
    if config.block is None:
        return ""
    return config.placement if isinstance(config.placement, str) else ", ".join(config.placement)


def reasoner(config: ModelConfig) -> str:
    return "" if config.block is None else f"{config.atr.reasoner.upper()}×{config.atr.num_reasoners}"


def distribution(config: ModelConfig) -> str:
    return config.atr.distribution if config.block == "atr" else ""


def network(config: ModelConfig) -> str:
    """In one line: backbone, block, placement, reasoner."""
    parts = [backbone(config)]
    if config.block is None:
        return " · ".join([*parts, "no block"])
    parts.append(f"{block(config)} at {placement(config)}")
    parts.append(reasoner(config))
    if distribution(config):
        parts.append(f"distribution {distribution(config)}")
    return " · ".join(parts)


page()
