"""What making a document needs beside the drop, put together once for all mailboxes."""

from functools import partial

from connector.documents.cda.parse import parse_cda
from connector.documents.pdf.sheets import image_to_pdf, text_to_pdf
from connector.domain.address import MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.ports import Clock, IdSource
from connector.domain.submission import FileRole, SubmittedFile
from connector.exchange.deep.judge import DeepJudge
from connector.exchange.pdfa import FitPdf, PdfFitter
from connector.intake.correspondents import Correspondents
from connector.intake.drop import base_name
from connector.intake.inputs.n1 import Desk, Earlier
from connector.intake.ledger import DeskLedger
from connector.journal.failure import PayloadMissing
from connector.journal.records import SubmissionView
from connector.mail.text import decode_text
from connector.settings.model import MailboxSettings, Settings

__all__ = ["DeskMaker"]

_CDA = (FileRole.CDA, FileRole.CDA_BUILT)


class DeskMaker:
    """Makes the desks of all mailboxes; what is dear to make is made once.

    Args:
        settings: the whole file.
        journal: knows what was sent before.
        clock: for the date of documents.
        ids: for their identifiers.
        limits: bounds of reading.
    """

    def __init__(
        self, settings: Settings, *, journal: DeskLedger, clock: Clock, ids: IdSource, limits: Limits | None = None
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._clock = clock
        self._ids = ids
        self._limits = limits or Limits()
        self._fitter = PdfFitter(settings.message)
        self._judge = DeepJudge(settings.validation, self._limits)
        self._correspondents = {
            mailbox.address: Correspondents(mailbox.correspondents, mailbox.correspondents_file)
            for mailbox in settings.mailboxes
        }

    def desk(self, mailbox: MailboxSettings) -> Desk:
        """For a drop of this mailbox that is taken now."""
        correspondents = self._correspondents.get(mailbox.address) or Correspondents(mailbox.correspondents)
        return Desk(
            mailbox=mailbox, ids=self._ids, now=self._clock.now(), oid_root=self._settings.software.oid_root,
            pdf_of=self._pdf_of, earlier=partial(self._earlier, mailbox.address), correspondent=correspondents.lookup,
            deep=self._judge.findings,
        )  # fmt: skip

    def _pdf_of(self, file: SubmittedFile) -> FitPdf:
        """A PDF of anything; ours are PDF/A already."""
        title = base_name(file.name)
        if file.role is FileRole.IMAGE:
            return FitPdf(image_to_pdf([file.content], title))
        if file.role is FileRole.TEXT:
            return FitPdf(text_to_pdf(decode_text(file.content), title))
        return self._fitter.fit(file.content, title)

    def _earlier(self, mailbox: MailboxAddress, asked: str) -> Earlier | None:
        """By the LPS's reference, else by the id of a submission, else by that of a document."""
        found = self._journal.submission_by_reference(mailbox, asked)
        return self._document_of(found) if found else None

    def _document_of(self, view: SubmissionView) -> Earlier | None:
        """Its document; ``None`` when its bytes are no longer kept or it has not exactly one with a set."""
        files = [file for file in view.files if file.role in _CDA]
        if len(files) != 1:
            return None
        try:
            content = self._journal.payload(files[0].payload_id)
            document = parse_cda(content, self._limits)
        except (InvalidSubmission, PayloadMissing):
            return None
        if document.set_id is None or document.version is None:
            return None
        return Earlier(document.id, document.set_id, document.version, content)
