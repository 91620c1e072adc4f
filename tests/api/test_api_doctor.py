"""The doctor over the API: begun, told as it goes on, and what it found with what to do; the support bundle."""

import io
import threading
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from connector.api.checkup import Checkup
from connector.api.page import PageOptions
from connector.client import Connection
from connector.domain.scopes import Scope
from connector.domain.text import Text
from connector.support.doctor import Check, Finding, Gives, Group, Need, Severity, World
from connector.support.doctor.check import once
from tests.api.api_scene import ApiScene
from tests.support.doctor_scene import Practice

DOCTOR = "/api/v1/doctor"


class Doctor:
    """Two checks, the second of which waits until the test lets it go."""

    def __init__(self, folder: Path) -> None:
        self.let_go, self.inside = threading.Event(), threading.Event()
        checks = [
            _check("clock", lambda _: [Finding("HORLOGE_OK", Severity.OK, "x")]),
            _check("disk", self._slow),
            _check("net", lambda _: [], Need.NETWORK),
        ]
        self.checkup = Checkup(lambda: Practice(folder).world(offline=True), checks)

    def _slow(self, _: World) -> Iterable[Finding]:
        self.inside.set()
        assert self.let_go.wait(10)
        return [Finding("DISQUE_PLEIN", Severity.ERROR, "/data", "no room", "plus de place")]

    def finish(self) -> None:
        self.let_go.set()
        for thread in threading.enumerate():
            if thread.name == "checkup":
                thread.join(10)


def _check(name: str, look: object, *needs: Need) -> Check:
    return Check(
        name=name, group=Group.MACHINE, title=Text(name, name), parts=once(look),  # type: ignore[arg-type] # as given above
        gives=Gives(), needs=frozenset(needs),
    )  # fmt: skip


@pytest.fixture
def doctor(scene: ApiScene, tmp_path: Path) -> Doctor:
    one = Doctor(tmp_path / "practice")
    scene.page = PageOptions(checkup=one.checkup)
    return one


def test_before_the_first_run_there_is_nothing(scene: ApiScene, doctor: Doctor) -> None:
    state = scene.web().get(DOCTOR).json()
    assert (state["running"], state["done"], state["total"], state["ended_at"]) == (False, 0, 0, None)
    assert (state["status"], state["findings"]) == ("", [])


def test_a_run_tells_how_far_it_is_and_what_it_found(scene: ApiScene, doctor: Doctor) -> None:
    web = scene.web()
    begun = web.post(DOCTOR)
    assert (begun.status_code, begun.json()["running"]) == (202, True)
    assert doctor.inside.wait(10)
    assert web.post(DOCTOR).json()["running"]  # the same run goes on
    state = web.get(DOCTOR).json()
    assert (state["running"], state["total"], state["ended_at"]) == (True, 2, None)
    doctor.finish()
    state = web.get(DOCTOR).json()
    assert (state["running"], state["done"], state["status"]) == (False, 2, "error")
    assert state["ended_at"]
    assert state["counts"] == {"ok": 1, "warning": 0, "error": 1}
    assert state["left_out"] == [{"check": "net", "needs": "network"}]
    found = state["findings"][1]
    assert (found["check"], found["code"], found["subject"]) == ("disk", "DISQUE_PLEIN", "/data")
    assert found["cure_fr"]
    assert found["cure_en"]


def test_the_support_bundle_is_a_zip_to_be_saved(scene: ApiScene, doctor: Doctor) -> None:
    doctor.let_go.set()
    answer = scene.web().post("/api/v1/support-bundle")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''mssante-support-2")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        assert "LISEZMOI.txt" in bundle.namelist()
        assert b"DISQUE_PLEIN" in bundle.read("diagnostic.json")


def test_the_client_follows_a_run(scene: ApiScene, doctor: Doctor) -> None:
    with scene.live() as live, Connection(live.endpoint) as connector:
        assert connector.start_doctor().running
        doctor.finish()
        assert [finding.code for finding in connector.doctor().findings] == ["HORLOGE_OK", "DISQUE_PLEIN"]
        assert connector.support_bundle().startswith(b"PK")


def test_who_may(scene: ApiScene, doctor: Doctor) -> None:
    sender = scene.web(scene.client_token(Scope.MESSAGES_WRITE))
    assert [sender.get(DOCTOR).status_code, sender.post(DOCTOR).status_code] == [403, 403]
    assert sender.post("/api/v1/support-bundle").status_code == 403
    assert scene.web(None).post(DOCTOR).status_code == 401


def test_without_a_doctor_there_are_no_routes(scene: ApiScene) -> None:
    assert not any("doctor" in path or "bundle" in path for path in scene.app().openapi()["paths"])
