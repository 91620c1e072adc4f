"""UUIDs and URNs of XDS metadata, each written once (IHE ITI TF-3 4.2 and 4.3; OASIS ebRIM 3.0)."""

from enum import StrEnum

__all__ = [
    "ACTION_SLOT", "APPROVED", "ENTRY_CODES", "HAS_MEMBER", "IDENTIFIER_NAMES", "LCM", "METADATA_NAME",
    "OBJECT_TYPE_PREFIX", "ON_DEMAND_DOCUMENT", "RIM", "RPLC", "STABLE_DOCUMENT", "Scheme",
]  # fmt: skip

METADATA_NAME = "METADATA.XML"
"""Name of the metadata file of a submission set (IHE ITI-32)."""

LCM = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"

APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
HAS_MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
RPLC = "urn:ihe:iti:2007:AssociationType:RPLC"
OBJECT_TYPE_PREFIX = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:"

STABLE_DOCUMENT = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
ON_DEMAND_DOCUMENT = "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"

ACTION_SLOT = "urn:action:extraMetadataSlot"
"""French extension: C (change) or D (delete)."""


class Scheme(StrEnum):
    """Classification and identification schemes."""

    ENTRY_AUTHOR = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
    ENTRY_CLASS = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"
    ENTRY_CONFIDENTIALITY = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"
    ENTRY_EVENT = "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"
    ENTRY_FORMAT = "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d"
    ENTRY_FACILITY = "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
    ENTRY_PRACTICE = "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead"
    ENTRY_TYPE = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
    ENTRY_PATIENT_ID = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
    ENTRY_UNIQUE_ID = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
    SET_NODE = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
    SET_AUTHOR = "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
    SET_CONTENT_TYPE = "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500"
    SET_PATIENT_ID = "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446"
    SET_UNIQUE_ID = "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8"
    SET_SOURCE_ID = "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832"
    FOLDER_NODE = "urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"
    FOLDER_CODES = "urn:uuid:1ba97051-7806-41a8-a48b-8fce7af683c5"
    FOLDER_PATIENT_ID = "urn:uuid:f64ffdf0-4b97-4e06-b79f-a52b38ec2f8a"
    FOLDER_UNIQUE_ID = "urn:uuid:75df8f67-9973-4fbe-a900-df66cefecc5a"


IDENTIFIER_NAMES = {
    Scheme.ENTRY_PATIENT_ID: "XDSDocumentEntry.patientId",
    Scheme.ENTRY_UNIQUE_ID: "XDSDocumentEntry.uniqueId",
    Scheme.SET_PATIENT_ID: "XDSSubmissionSet.patientId",
    Scheme.SET_UNIQUE_ID: "XDSSubmissionSet.uniqueId",
    Scheme.SET_SOURCE_ID: "XDSSubmissionSet.sourceId",
}
"""The Name that goes with each external identifier; readers look at the scheme only."""

ENTRY_CODES = {
    Scheme.ENTRY_CLASS: "class_code",
    Scheme.ENTRY_FORMAT: "format_code",
    Scheme.ENTRY_FACILITY: "healthcare_facility_type_code",
    Scheme.ENTRY_PRACTICE: "practice_setting_code",
    Scheme.ENTRY_TYPE: "type_code",
}
"""The coded attributes of a document entry that have one value, with the field of each."""
