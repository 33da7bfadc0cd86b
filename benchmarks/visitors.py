"""A visitor without a browser: takes what the dashboard sends and chooses clips and checkpoints, but draws nothing.

It speaks Streamlit's protocol, protobuf messages over a WebSocket, as Streamlit's page in a browser does.
"""

import asyncio
import json
import random
import time

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg


class Visitor:
    """A session of the page "Actionness".

    Attributes:
        shown: {"clip", "checkpoint"} of what the explorer got last; empty before the first.
        wanted: of these, what was asked for.
        faults: exceptions that the page showed.
    """

    def __init__(self, socket: websockets.ClientConnection):
        self.socket = socket
        self.shown: dict[str, str] = {}
        self.wanted: dict[str, str] = {}
        self.faults = 0
        self.widgets: dict[str, str] = {}  # "clip", "checkpoint" -> Streamlit's id
        self.choices: dict[str, list[str]] = {}
        self.arrived = asyncio.Condition()

    async def receive(self) -> None:
        """Take messages until the connection is closed."""
        async for data in self.socket:
            message = ForwardMsg()
            message.ParseFromString(data)
            if message.delta.WhichOneof("type") == "new_element":
                self.take(message.delta.new_element)
            async with self.arrived:
                self.arrived.notify_all()

    def take(self, element: Element) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.faults += 1
        elif kind == "selectbox" and element.selectbox.label == "Checkpoint":
            self.widgets["checkpoint"] = element.selectbox.id
            self.choices["checkpoint"] = list(element.selectbox.options)
        elif kind == "bidi_component" and element.bidi_component.component_name == "atr_gallery":
            self.widgets["clip"] = element.bidi_component.id
            clips = json.loads(element.bidi_component.json)["clips"]
            self.choices["clip"] = [clip["id"] for clip in clips]
        elif kind == "bidi_component" and element.bidi_component.component_name == "atr_explorer":
            self.shown = header(element.bidi_component.bytes)["link"]

    async def until_shown(self, seconds: float) -> None:
        """Until the explorer shows what is wanted. Raises TimeoutError where it does not in time."""
        async with asyncio.timeout(seconds), self.arrived:
            await self.arrived.wait_for(lambda: self.shown and self.wanted.items() <= self.shown.items())

    async def until_ready(self, seconds: float) -> None:
        """Until there are clips and checkpoints to choose from. Raises TimeoutError where they do not come in time."""
        async with asyncio.timeout(seconds), self.arrived:
            await self.arrived.wait_for(lambda: self.choices.keys() >= {"clip", "checkpoint"})

    async def open(self) -> None:
        """Ask for the page."""
        await self.socket.send(request().SerializeToString())

    async def choose(self, chance: random.Random) -> None:
        """Ask for another clip or, three times in ten, another checkpoint."""
        what = "checkpoint" if chance.random() < 0.3 else "clip"
        now = {**self.shown, **self.wanted}[what]
        chosen = chance.choice([name for name in self.choices[what] if name != now])
        self.wanted = {**self.wanted, what: chosen}
        message = request()
        state = message.rerun_script.widget_states.widgets.add()
        state.id = self.widgets[what]
        if what == "clip":
            state.json_value = json.dumps({"clip": {"id": chosen, "at": time.monotonic()}})
        else:
            state.string_value = chosen
        await self.socket.send(message.SerializeToString())


def request() -> BackMsg:
    message = BackMsg()
    message.rerun_script.query_string = ""
    return message


def header(packed: bytes) -> dict:
    """The JSON at the beginning of what a component gets: its length as uint32, little-endian, then its text."""
    length = int.from_bytes(packed[:4], "little")
    return json.loads(packed[4 : 4 + length])


async def arrive(address: str, seconds: float) -> Visitor:
    """Connect to the dashboard at this address. Raises TimeoutError where it does not answer in time."""
    url = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
    options = {"subprotocols": ["streamlit"], "max_size": None, "ping_interval": None}
    return Visitor(await websockets.connect(url, open_timeout=seconds, **options))
