"""``/api/v1/doctor`` and ``/api/v1/support-bundle``: what is wrong and what to do, and what a vendor needs to see."""

from typing import Any

from fastapi import APIRouter, Response

from connector.api.attachment import attachment
from connector.api.blocking import Blocking
from connector.api.checkup import Checkup, CheckupState
from connector.api.requests import requires
from connector.client.models.doctor import DoctorModel, FindingModel, LeftOutModel
from connector.domain.ports import Clock
from connector.domain.scopes import Scope
from connector.support.doctor.report import Report

__all__ = ["routes"]

_BUNDLE_SECONDS = 180.0
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A zip of text files; its first one, LISEZMOI.txt, says what is in it and what is not.",
        "content": {
            "application/zip": {
                "schema": {"type": "string", "format": "binary"}, "example": "the bytes of a zip archive",
            }
        },
    }
}  # fmt: skip


def routes(checkup: Checkup, clock: Clock, blocking: Blocking) -> APIRouter:
    """Runs of the doctor, and the bundle.

    Args:
        checkup: runs the doctor, for the page too.
        clock: dates the bundle.
        blocking: runs what takes seconds.
    """
    router = APIRouter(tags=["doctor"])
    may_read = [requires(Scope.STATUS_READ)]

    @router.post("/doctor", summary="Look at everything", status_code=202, dependencies=may_read)
    def start() -> DoctorModel:
        """Begins a run in the background, unless one is going on. Ask `GET /doctor` how far it is."""
        checkup.start()
        return _model(checkup.state())

    @router.get("/doctor", summary="How far the doctor is, and what it found", dependencies=may_read)
    def state() -> DoctorModel:
        """Of the run that is going on, as far as it is; else of the last one. Never blocks."""
        return _model(checkup.state())

    @router.post(
        "/support-bundle", summary="What a vendor needs to see", dependencies=may_read, responses=_ZIP,
        response_class=Response,
    )  # fmt: skip
    async def bundle() -> Response:
        """With a fresh look at everything; takes seconds. Nothing of a patient, no address, no name, no secret."""
        content = await blocking.run(checkup.bundle, _BUNDLE_SECONDS)
        return attachment(content, f"mssante-support-{clock.now():%Y%m%d-%H%M}.zip", "application/zip")

    return router


def _model(state: CheckupState) -> DoctorModel:
    report = state.report.as_dict() if state.report is not None else Report(()).as_dict()
    return DoctorModel(
        running=state.is_running, done=state.done, total=state.number, current=state.current,
        ended_at=state.ended_at, status=report["status"] if state.report is not None else "", counts=report["counts"],
        findings=[FindingModel(**finding) for finding in report["findings"]],
        left_out=[LeftOutModel(**one) for one in report["left_out"]],
    )  # fmt: skip
