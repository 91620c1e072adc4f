"""Whatever a message is made of and whatever the profile: nothing of it is in no file, and no two files meet."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.delivery.layout import Stamp, lay_out
from connector.delivery.pieces import Owner
from connector.delivery.profile import load_profile, profile_names
from connector.documents.hprim.medecin import read_medecin
from connector.domain.submission import DocumentAction
from connector.exchange.arrival import Arrival, ArrivalDocument, ArrivalPart, PartRole
from connector.exchange.identity import of_hprim
from connector.platform.names import folded
from connector.sandbox.samples import sample
from connector.settings.lps import LpsOptions
from tests.delivery.delivery_scene import N1, N3, arrival, document, part
from tests.opening.opened import hprim

PLAT = load_profile("plat")
OWNER = Owner(name="Alix EXEMPLE", control="K")
RESULTS = [hprim(), hprim(given=b"Camille", birth=b"17/01/1999"), b"no record"]
DOCUMENTS = [document(N1, "CR"), document(N3, "BIO"), document(sample("lot-2-synthese.xml"), "SYN")]
NAMES = st.sampled_from(["a.jpg", "A.JPG", "../a", "AUTRES", "x.ok", "long" * 60 + ".pdf", ""])


@st.composite
def parts(draw: st.DrawFn) -> ArrivalPart:
    role = draw(st.sampled_from([PartRole.OTHER, PartRole.PDF, PartRole.HPRIM]))
    if role is PartRole.HPRIM:
        content = draw(st.sampled_from(RESULTS))
        one = part(draw(NAMES), role, content)
        known = [] if content == RESULTS[2] else read_medecin(content).records
        return replace(one, patients=tuple(of_hprim(record, "") for record in known))
    return part(draw(NAMES), role, draw(st.sampled_from([b"%PDF-1", b"%PDF-2", b"\xff\xd8"])))


@st.composite
def arrivals(draw: st.DrawFn) -> Arrival:
    documents = draw(st.lists(st.sampled_from(DOCUMENTS), unique_by=lambda one: one.sha256, max_size=3))
    acted = [replace(one, action=draw(st.sampled_from(DocumentAction))) for one in documents]
    return arrival(
        documents=acted, parts=draw(st.lists(parts(), max_size=4)), body=draw(st.sampled_from(["", "Mot"]))
    )


options = st.fixed_dictionaries({}, optional={
    "index": st.booleans(), "sans_doublon": st.booleans(), "extensions_majuscules": st.booleans(),
    "longueur_nom_max": st.sampled_from([30, 120]), "drapeau": st.sampled_from(["", ".ok"]),
    "drapeau_par": st.sampled_from(["message", "fichier"]),
})  # fmt: skip


def is_told(one: ArrivalDocument, contents: set[bytes], whole: Arrival) -> bool:
    """Given itself, as its PDF, as HL7, as a result about the same patient, or as a PDF of ours or the sender's."""
    if one.content in contents or (one.pdf is not None and one.pdf in contents):
        return True
    forms = (b"MSH|", b"%PDF", b"<!doctype html")
    results = [each.content for each in whole.parts if each.role is PartRole.HPRIM and each.patients]
    return any(content.startswith(forms) for content in contents) or bool(results)


@settings(max_examples=150, deadline=None)
@given(whole=arrivals(), name=st.sampled_from(sorted(profile_names())), chosen=options)
def test_every_part_is_in_some_file(whole: Arrival, name: str, chosen: dict[str, object]) -> None:
    profile = load_profile(name).with_options(LpsOptions.model_validate(chosen))
    package = lay_out(whole, Stamp("20261120-101532", "K3QF2X"), profile, plat=PLAT, owner=OWNER)
    files = [*package.data, *package.index, *package.flags]
    paths = {folded(path) for path, _ in files}
    assert len(paths) == len(files), "two files of one name"
    assert not any(parent in paths for path in paths for parent in [path.rpartition("/")[0]] if parent)
    contents = {content for _, content in package.data}
    assert contents, "a message that nobody sees"
    assert all(each.content in contents for each in whole.parts if each.role is PartRole.OTHER)
    assert all(is_told(one, contents, whole) for one in whole.documents)
    withdrawn = [one for one in whole.documents if one.action is DocumentAction.DELETE]
    assert all(one.content in contents or any(c.startswith(b"MSH|") for c in contents) for one in withdrawn)
    assert not withdrawn or package.index or package.messages, "nobody is told that it withdraws another"
