"""The doctor's findings with their cures, and the support bundle."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.responses import Response

from connector.api.checkup import Checkup
from connector.api.page.desk import Desk
from connector.api.page.entry import Entry, Form, PageRoute
from connector.api.page.render import Visit
from connector.support.doctor import GROUP_WORDS, Examined, Severity

__all__ = ["routes"]

_BUNDLE_SECONDS = 180.0


def routes(desk: Desk, entry: Entry) -> APIRouter:
    """Findings, a new run, the bundle."""
    router = APIRouter(prefix="/checks", route_class=PageRoute)

    @router.get("")
    def show(visit: Visit = entry.visit) -> Response:
        """What the doctor has found, or how far it is."""
        state = desk.checkup.state() if desk.checkup is not None else None
        examined = state.report.examined if state is not None and state.report is not None else ()
        return visit.page(
            "checks.html", here="checks", state=state, groups=_grouped(examined),
            group_words=GROUP_WORDS, severities=Severity, tree=desk.api.report(),
        )  # fmt: skip

    if desk.checkup is not None:
        _runs(router, desk, entry, desk.checkup)
    return router


def _runs(router: APIRouter, desk: Desk, entry: Entry, checkup: Checkup) -> None:
    @router.post("/run")
    def run(form: Form = entry.form) -> Response:
        """Look at everything, in the background."""
        checkup.start()
        return form.visit.go("/checks")

    @router.post("/bundle")
    async def bundle(form: Form = entry.form) -> Response:
        """What a vendor needs to see: nothing of a patient, no address, no secret."""
        content = await desk.blocking.run(checkup.bundle, _BUNDLE_SECONDS)
        name = f"mssante-support-{form.visit.speech.local(desk.clock.now()):%Y%m%d-%H%M}.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type="application/zip", headers=headers)


def _grouped(examined: Sequence[Examined]) -> list[tuple[str, list[Examined]]]:
    """Checks that have something to say, by group, in order."""
    groups: dict[str, list[Examined]] = {}
    for one in examined:
        if one.findings:
            groups.setdefault(one.check.group, []).append(one)
    return list(groups.items())
