"""A visitor without a browser: takes what the dashboard sends and chooses clips and checkpoints, but draws nothing.

It speaks Streamlit's protocol, protobuf messages over a WebSocket, as Streamlit's page in a browser does.
"""

import asyncio
import json
import random

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg


class Visitor:
    """A session of the page "Actionness".

    Attributes:
        shown: identity of the clip and checkpoint that the explorer got last; None before the first.
        faults: exceptions that the page showed.
    """

    def __init__(self, socket: websockets.ClientConnection):
        self.socket = socket
        self.shown: str | None = None
        self.faults = 0
        self.widgets: dict[str, str] = {}  # "gallery", "checkpoint" -> Streamlit's id
        self.checkpoints: list[str] = []
        self.checkpoint: str | None = None  # the chosen one
        self.clips: list[str] = []  # all but the chosen one
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
            self.checkpoints = list(element.selectbox.options)
            self.checkpoint = self.checkpoint or self.checkpoints[element.selectbox.default]
        elif kind == "bidi_component" and element.bidi_component.component_name == "atr_gallery":
            self.widgets["gallery"] = element.bidi_component.id
            data = json.loads(element.bidi_component.json)
            self.clips = [clip["id"] for clip in data["clips"] if clip["id"] != data["chosen"]]
        elif kind == "bidi_component" and element.bidi_component.component_name == "atr_explorer":
            self.shown = header(element.bidi_component.bytes)["id"]

    async def until_other_than(self, before: str | None, seconds: float) -> None:
        """Until the explorer shows something else. Raises TimeoutError where it does not in time."""
        async with asyncio.timeout(seconds), self.arrived:
            await self.arrived.wait_for(lambda: self.shown != before)

    async def open(self) -> None:
        """Ask for the page; it is there when `shown` is set."""
        await self.socket.send(request().SerializeToString())

    async def choose(self, chance: random.Random) -> None:
        """Ask for another clip or, three times in ten, another checkpoint."""
        message = request()
        state = message.rerun_script.widget_states.widgets.add()
        if chance.random() < 0.3:
            self.checkpoint = chance.choice([name for name in self.checkpoints if name != self.checkpoint])
            state.id, state.string_value = self.widgets["checkpoint"], self.checkpoint
        else:
            state.id, state.json_value = (
                self.widgets["gallery"],
                json.dumps({"clip": chance.choice(self.clips)}),
            )
        await self.socket.send(message.SerializeToString())


def request() -> BackMsg:
    message = BackMsg()
    message.rerun_script.query_string = ""
    return message


def header(packed: bytes) -> dict:
    """The JSON at the beginning of what a component gets: its length as uint32, little-endian, then its text."""
    length = int.from_bytes(packed[:4], "little")
    return json.loads(packed[4 : 4 + length])


async def arrive(address: str) -> Visitor:
    """Connect to the dashboard at this address."""
    url = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
    return Visitor(
        await websockets.connect(url, subprotocols=["streamlit"], max_size=None, ping_interval=None)
    )
