"""What the Markdown files tell a reader to type and to open: commands parse, links and pictures are there."""

import importlib
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
import tyro
from torch.distributed.run import get_args_parser

import analysis.__main__
import atr.__main__
from app import console
from atr.commands import imported

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")), ROOT / "assets" / "README.md"]
PROGRAMS = {"-m atr": atr.__main__, "-m analysis": analysis.__main__}
ELLIPSIS = {"...", "…"}


@dataclass(frozen=True)
class Command:
    page: str
    typed: str
    whole: bool  # stands by itself, to be copied; else in a sentence, where what is needed may be left out

    def __str__(self) -> str:
        return f"{self.page}: {self.typed}"

    @property
    def words(self) -> list[str]:
        return [word for word in shlex.split(self.typed) if word not in ELLIPSIS]


def typed_in(page: Path) -> list[Command]:
    """Every line in a block of code and every piece of code in the running text."""
    name, blocks, text = str(page.relative_to(ROOT)), [], page.read_text()

    def cut(match: re.Match) -> str:
        blocks.append(match[0])
        return "\n"

    text = re.sub(r"^```.*?^```", cut, text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"(?:^    .*\n)+", cut, text, flags=re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    spans = [" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]
    return [Command(name, cleaned(line), whole=True) for line in lines] + [
        Command(name, cleaned(span), whole=False) for span in spans
    ]


def cleaned(line: str) -> str:
    """Without a prompt, variables in front, a comment, and what follows a pipe or a semicolon."""
    line = re.sub(r"^\s*(\$ )?([A-Z_]+=\S+ )*", "", line)
    return re.split(r"\s#\s|\s[|;]\s|\s&&\s|\s>\s", line)[0].strip()


def is_ours(line: str) -> bool:
    return re.match(r"(python3? -m |torchrun .*-m )?(atr|analysis|benchmarks\.\w+) +[\w-]", line) is not None


TYPED = [command for page in PAGES for command in typed_in(page)]
COMMANDS = [command for command in TYPED if is_ours(command.typed)]
MADE = [command for command in TYPED if re.fullmatch(r"make [a-z][\w-]*( [A-Z]+=\S+)*", command.typed)]


def test_commands_are_found():
    """The search itself: in blocks, in sentences, over the end of a line, under torchrun."""
    typed = {command.typed for command in COMMANDS}
    programs = {word for line in typed for word in ("-m atr train", "-m analysis relations") if word in line}
    assert programs == {"-m atr train", "-m analysis relations"}
    assert any(line.startswith("torchrun") for line in typed)
    assert any("benchmarks.accuracy --predictions assets/results/predictions-" in line for line in typed)
    assert {command.whole for command in COMMANDS} == {True, False}
    assert {"make app", "make test"} <= {command.typed for command in MADE}


@pytest.fixture
def unrun(monkeypatch):
    """Every command ends where it would start to work."""
    monkeypatch.setattr("app.console.dashboard", lambda arguments: 0)
    for program in PROGRAMS.values():
        for place in program.COMMANDS.values():
            monkeypatch.setattr(imported(place), "run", lambda self, *_: 0)


def program_and_arguments(words: list[str]) -> tuple[str, list[str]]:
    if words[0] == "torchrun":
        parsed = get_args_parser().parse_args(words[1:])
        assert parsed.module, "torchrun without -m"
        return f"-m {parsed.training_script}", parsed.training_script_args
    if words[0].startswith("python"):
        return f"-m {words[2]}", words[3:]
    return words[0], words[1:]


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_parses(command, unrun, capsys):
    program, arguments = program_and_arguments(command.words)
    try:
        if program == "atr":
            assert console.main(arguments) == 0
        elif program in PROGRAMS:
            assert PROGRAMS[program].main(arguments) == 0
        else:
            tyro.cli(importlib.import_module(program.removeprefix("-m ")).Options, args=arguments)
    except SystemExit as refused:
        told = " ".join(re.sub("[│╭╰╮╯─]", " ", capsys.readouterr().err).split())
        partial = not command.whole or ELLIPSIS & set(command.typed.split())
        assert partial and "Required options" in told and "nrecognized" not in told, told
        assert refused.code == 2


@pytest.mark.parametrize("command", MADE, ids=str)
def test_a_target_is_in_the_makefile(command):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert command.typed.split()[1] in targets


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_shipped_files_that_a_command_names_are_there(command):
    for word in command.words:
        if word.startswith("assets/") and "NAME" not in word:
            assert list(ROOT.glob(word)), word


def links_in(page: Path) -> list[tuple[str, str]]:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`]*`", "", text)
    targets = re.findall(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)", text) + re.findall(
        r"(?:src|href)=\"([^\"]+)\"", text
    )
    return [(str(page.relative_to(ROOT)), target) for target in targets if not re.match(r"\w+:", target)]


LINKS = [link for page in PAGES for link in links_in(page)]


def anchors_of(page: Path) -> set[str]:
    """As GitHub makes them of headings: small letters, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("page", "target"), LINKS, ids=str)
def test_a_link_leads_somewhere(page, target):
    path, _, anchor = target.partition("#")
    found = ((ROOT / page).parent / path).resolve() if path else ROOT / page
    assert found.is_relative_to(ROOT) and found.exists(), f"{page} links to {target}, which is not there"
    if anchor:
        assert anchor in anchors_of(found), f"{page} links to {target}; headings: {sorted(anchors_of(found))}"


def test_pictures_and_pages_are_linked_to():
    targets = {target for _, target in LINKS}
    assert {"assets/pictures/actionness.jpg", "assets/README.md"} <= targets


PYTHON = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.DOTALL | re.MULTILINE
)


def test_the_python_of_the_readme_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    recorded, of_a_video, alone = ({} for _ in PYTHON)
    for block, names in zip(PYTHON, (recorded, of_a_video, alone), strict=True):
        exec(block, names)
    assert recorded["recording"].actionness["S4B1"].shape == (1, 8, 6, 6)
    assert of_a_video["map_"].shape == of_a_video["found"].frames.shape[1:3]
    assert alone["actionness"].shape == (16, 1, 28, 28)
