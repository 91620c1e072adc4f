"""The examples of docs/examples: they are in docs/rest.md as they are, ask for what exists, and run where they can.

An example whose compiler is not on this machine is left out, as tests without cases are; what it asks for is looked
at everywhere.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.sandbox.samples import sample
from tests.api.api_scene import ApiScene
from tests.api.test_api_inbox import CDA, PDF, arrive
from tests.api.whole_api import whole_schema

DOCS = Path(__file__).resolve().parents[2] / "docs"
LANGUAGES = {"lps.sh": "sh", "lps.py": "python", "Lps.java": "java", "Lps.cs": "csharp"}
TO = "correspondant@autre.mssante.fr"
_SHOWN = re.compile(r"<!-- example: (\S+) -->\n```(\w+)\n(.*?)```\n", re.DOTALL)
_LITERALS = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|//[^\n]*|/\*.*?\*/', re.DOTALL)
_PATHS = re.compile(r"/?\b(messages|inbox|events)\b(/|\?|\"|$)")


def text_of(name: str) -> str:
    return (DOCS / "examples" / name).read_text("utf-8")


def found(*programs: str) -> list[str]:
    """The first one, when all are here; a test without cases is left out (tests/conftest.py)."""
    here = [path for program in programs if (path := shutil.which(program))]
    return here[:1] if len(here) == len(programs) else []


def test_the_examples_stand_in_the_documentation() -> None:
    page = DOCS / "rest.md"
    text = page.read_text("utf-8")
    if os.environ.get("MSS_UPDATE_DOCS"):
        for name, language, shown in _SHOWN.findall(text):
            text = text.replace(f"```{language}\n{shown}```", f"```{language}\n{text_of(name)}```")
        page.write_text(text, "utf-8", newline="\n")
    blocks = {name: (language, shown) for name, language, shown in _SHOWN.findall(text)}
    assert blocks == {name: (language, text_of(name)) for name, language in LANGUAGES.items()}


@pytest.mark.parametrize("name", LANGUAGES)
def test_an_example_shows_everything(scene: ApiScene, name: str) -> None:
    text, paths = text_of(name), whole_schema(scene)["paths"]
    assert {"/api/v1/messages", "/api/v1/inbox", "/api/v1/events"} <= set(paths)
    if name == "lps.py":  # the client's methods stand for the addresses
        for method in ("submit(", "message(", "inbox(taken=False)", "inbox_document(", "take(", "events(after=0)"):
            assert f"connector.{method}" in text
        return
    assert {match[1] for match in _PATHS.finditer(text)} == {"messages", "inbox", "events"}
    for word in ("Idempotency-Key", "Last-Event-ID", "taken=false", "/documents/", "/taken", "MSS_TOKEN"):
        assert word in text


@pytest.mark.parametrize("name", ["Lps.java", "Lps.cs"])
def test_brackets_close_in_the_order_in_which_they_open(name: str) -> None:
    """What can be said of a program without its compiler."""
    code = _LITERALS.sub("", re.sub(r'""".*?"""', "", text_of(name), flags=re.DOTALL))
    open_ones = []
    for character in code:
        if character in "([{":
            open_ones.append(character)
        elif character in ")]}":
            assert open_ones.pop() + character in ("()", "[]", "{}")
    assert open_ones == []


# --- where they can, they run ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    (work / "cr.xml").write_bytes(sample("cr-biologie-v1.xml"))
    return work


@pytest.fixture
def place(scene: ApiScene) -> Iterator[dict[str, str]]:
    """A connector with something in its inbox; what an example finds in its environment."""
    arrive(scene)
    token = scene.client_token()
    with scene.live() as live:
        port = live.endpoint.port
        yield {**os.environ, "MSS_TOKEN": token, "MSS_API": f"http://127.0.0.1:{port}/api/v1", "MSS_PORT": str(port)}


def run(command: list[str], folder: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, encoding="utf-8", timeout=120, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def did_everything(scene: ApiScene, folder: Path, said: str) -> None:
    (view,) = scene.journal.submissions()
    assert [file.name for file in view.files] == ["cr.xml"]
    assert f"sent {view.id}" in said
    (received,) = [row.id for row in scene.journal.newest_received(limit=9)]
    assert f"received {received}" in said
    assert [(folder / f"{received}-{number}").read_bytes() for number in (0, 1)] == [CDA, PDF]
    assert scene.journal.taken_marks([received])[received].by == "LPS"
    assert re.search(rf"event.*({view.id}|take)", said, re.DOTALL)


def test_the_python_example_runs(scene: ApiScene, place: dict[str, str], folder: Path) -> None:
    env = {**place, "PYTHONPATH": str(DOCS.parent), "PYTHONIOENCODING": "utf-8"}
    said = run([sys.executable, str(DOCS / "examples" / "lps.py"), "cr.xml", TO], folder, env)
    did_everything(scene, folder, said)


@pytest.mark.parametrize("shell", found("sh", "curl") if sys.platform != "win32" else [])
def test_the_curl_example_runs(scene: ApiScene, place: dict[str, str], folder: Path, shell: str) -> None:
    did_everything(scene, folder, run([shell, str(DOCS / "examples" / "lps.sh"), "cr.xml", TO], folder, place))


@pytest.mark.parametrize("javac", found("javac", "java"))
def test_the_java_example_runs(scene: ApiScene, place: dict[str, str], folder: Path, javac: str) -> None:
    run([javac, "-Xlint:all", "-Werror", "-d", ".", str(DOCS / "examples" / "Lps.java")], folder, place)
    did_everything(scene, folder, run(["java", "-cp", ".", "Lps", "cr.xml", TO], folder, place))


@pytest.mark.parametrize("compiler", found("mcs", "mono"))
def test_the_csharp_example_runs(scene: ApiScene, place: dict[str, str], folder: Path, compiler: str) -> None:
    libraries = ["-r:System.Net.Http", "-r:System.Runtime.Serialization"]
    run([compiler, "-warnaserror", "-out:Lps.exe", *libraries, str(DOCS / "examples" / "Lps.cs")], folder, place)
    did_everything(scene, folder, run(["mono", "Lps.exe", "cr.xml", TO], folder, place))
