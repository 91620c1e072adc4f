"""Our reader against the standard library's: on well-formed messages both must see the same."""

import email.policy
import unicodedata
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.limits import Limits
from connector.mail.parse import open_message

TEXT = st.text(alphabet=st.characters(exclude_categories=["C", "Zl", "Zp"], include_characters="\n"), max_size=120)
WORD = st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=40)
FILES = st.lists(
    st.tuples(WORD, st.sampled_from(["pdf", "zip", "octet-stream", "xml"]), st.binary(max_size=200)), max_size=4
)
POLICIES = [email.policy.SMTP, email.policy.default, email.policy.SMTP.clone(cte_type="7bit")]


def composed(name: str) -> str:
    """Names from old Macs come decomposed; ours are always composed (NFC)."""
    return unicodedata.normalize("NFC", name)


def built(text: str, rich: str | None, files: list[tuple[str, str, bytes]]) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Compte rendu"
    message["From"] = "Alix <alix@cabinet.mssante.fr>"
    message.set_content(text)
    if rich is not None:
        message.add_alternative(f"<p>{rich}</p>", subtype="html")
    for name, subtype, content in files:
        message.add_attachment(content, maintype="application", subtype=subtype, filename=f"{name}.{subtype}")
    return message


@pytest.mark.parametrize("policy", POLICIES, ids=["smtp", "bare line feeds", "7 bit"])
@given(text=TEXT, rich=st.none() | WORD, files=FILES)
def test_both_readers_see_the_same_parts(
    policy: email.policy.EmailPolicy, text: str, rich: str | None, files: list[tuple[str, str, bytes]]
) -> None:
    raw = built(text, rich, files).as_bytes(policy=policy)
    library = BytesParser(policy=email.policy.default).parsebytes(raw)
    ours = open_message(raw, Limits())
    theirs = [part for part in library.walk() if part.get_content_disposition() == "attachment"]
    assert [part.content for part in ours.parts] == [part.get_payload(decode=True) for part in theirs]
    assert [part.name for part in ours.parts] == [composed(part.get_filename("")) for part in theirs]
    assert [part.content for part in ours.parts] == [content for _name, _subtype, content in files]
    if text.strip():
        assert ours.body == text.strip("\n")


@given(subject=WORD, name=WORD)
def test_both_readers_see_the_same_words(subject: str, name: str) -> None:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = f'"{name}" <alix@cabinet.mssante.fr>'
    raw = message.as_bytes(policy=email.policy.SMTP)
    ours = open_message(raw, Limits())
    assert ours.subject_raw == subject
    assert (ours.sender.name, ours.sender.address) == (name, "alix@cabinet.mssante.fr")
