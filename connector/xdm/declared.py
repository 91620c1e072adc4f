"""The author of a sending as the LPS declares it (PRT with SB in HL7 v2), in place of the document's author."""

from connector.documents.cda.model import AssignedEntity, Author, InstanceId, Organization, PersonName
from connector.domain.submission import DeclaredSender
from connector.xdm.hl7_values import author_person, institution
from connector.xdm.model import AuthorEntry

__all__ = ["author_of"]

_PERSONS = "1.2.250.1.71.4.2.1"  # authority of the national identifiers of professionals
_STRUCTURES = "1.2.250.1.71.4.2.2"  # and of structures


def author_of(sender: DeclaredSender) -> AuthorEntry | None:
    """The author attribute of a submission set; ``None`` when nothing that counts was declared."""
    structure = Organization(ids=_ids(_STRUCTURES, sender.organization_id), name=sender.organization_name)
    name = PersonName(family=sender.family, given=sender.given) if sender.family else None
    entity = AssignedEntity(ids=_ids(_PERSONS, sender.person_id), name=name, organization=structure)
    who, where = author_person(Author(entity=entity, device_software=sender.device)), institution(structure)
    if not (who or where):
        return None
    return AuthorEntry(person=who, institutions=(where,) if where else ())


def _ids(root: str, extension: str) -> tuple[InstanceId, ...]:
    return (InstanceId(root, extension),) if extension else ()
