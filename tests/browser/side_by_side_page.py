"""A page with nothing but the side-by-side view, of maps whose pooling weights are known."""

import numpy as np
import streamlit as st

from app.explorer import Side, pack_sides, side_by_side
from tests.app.world import ACTING, NUM_FRAMES, SIDE, square_clip
from tests.browser.side_by_side_maps import WEIGHTS, actionness

st.set_page_config(layout="wide")
query = st.query_params.to_dict()
seen = {block: actionness(weights) for block, weights in WEIGHTS.items()}
mirrored = {"S5B1": actionness(WEIGHTS["S5B1"][:, ::-1])}
cam = np.zeros((NUM_FRAMES, 2, 2))
cam[:, 0, 1] = np.linspace(0, 8, NUM_FRAMES)
sides = {
    "atr": Side(
        "atr",
        {"actionness": seen},
        uniform=False,
        scores=[("moving left", 0.6), ("moving right", 0.3)],
        true_probability=0.3,
        correct=False,
        notes=("Nothing is trained.",),
        absent={"gradcam": "Press the button to have it computed."},
    ),
    "mirrored": Side(
        "mirrored",
        {"actionness": mirrored},
        uniform=False,
        scores=[("moving right", 0.9)],
        true_probability=0.9,
        correct=True,
    ),
    "pool": Side(
        "pool",
        {"gradcam": {"S5B1": cam}},
        uniform=True,
        scores=[("moving left", 0.7), ("nothing", 0.2)],
        true_probability=0.1,
        correct=False,
    ),
    "coarse": Side("coarse", {"actionness": {"S5B1": np.zeros((NUM_FRAMES, 1, 1))}}, uniform=True, scores=[]),
}
frames, masks = square_clip()
chosen = query.get("sides", "atr,pool")
payload = pack_sides(
    chosen,
    frames,
    video="square",
    indices=np.arange(NUM_FRAMES),
    fps=12,
    sampled=np.array([1, 4, 7, 10]),
    alt=f"Video of {SIDE} pixels",
    acting=ACTING,
    masks=masks,
    true_label="moving right",
    sides=[sides[name] for name in chosen.split(",")],
)
start = {name: query[name] for name in payload.allowed(query.get("source")) if name in query}
link = {"sides": chosen, "reruns": st.session_state.setdefault("reruns", 0)}
side_by_side(payload, start={"frame": int(query.get("frame", 6)), **start}, link=link)
st.caption(f"Reruns: {link['reruns']}")
st.button("Rerun", on_click=lambda: st.session_state.update(reruns=st.session_state["reruns"] + 1))
