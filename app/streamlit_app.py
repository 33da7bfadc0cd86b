"""The dashboard: streamlit run app/streamlit_app.py"""

import sys
from pathlib import Path
from threading import Thread

import streamlit as st
from starlette.middleware import Middleware

# Streamlit puts the script's own folder on the path; the packages lie one above.
if (root := str(Path(__file__).parent.parent)) not in sys.path:
    sys.path.insert(0, root)

from app.ahead import import_ahead, shown

if __name__ == "__main__":  # a session's run of the script
    from app.links import follow_history

    icon = str(Path(__file__).parent / "icon.svg")
    # Before the pages: the browser would fetch their icons, which are Google's, for the tab of the window.
    st.set_page_config(page_icon=icon, layout="wide")
    st.logo(icon, size="large")
    st.html(Path(__file__).with_name("page.css"))
    pages = [
        st.Page("views/actionness.py", title="Actionness", icon=":material/motion_play:", default=True),
        st.Page("views/compare.py", title="Compare", icon=":material/compare:"),
        st.Page("views/what_if.py", title="What if", icon=":material/experiment:"),
        st.Page("views/relations.py", title="Temporal relations", icon=":material/grid_on:"),
        st.Page("views/evidence.py", title="Evidence", icon=":material/fact_check:"),
        st.Page("views/checkpoints.py", title="Checkpoints", icon=":material/deployed_code:"),
    ]
    page = st.navigation(pages, position="top")
    st.set_page_config(page_title=f"{page.title} · ATR Studio")
    if st.session_state.get("page") != page.title:
        st.session_state.update(page=page.title, carried=set())  # see app.browsing.carried
    follow_history()
    page.run()
    shown.set()
else:  # the server, which finds this assignment in the source and imports the file once
    from app.access import OwnPagesOnly

    Thread(target=import_ahead, daemon=True).start()
    app = st.App(__file__, middleware=[Middleware(OwnPagesOnly)])
