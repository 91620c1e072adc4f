"""A publication in the shape of that of the ANS: a schema and a schematron of our own, in two files each."""

from pathlib import Path

__all__ = ["publish"]

_SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:hl7-org:v3"
  targetNamespace="urn:hl7-org:v3" elementFormDefault="qualified"><xs:include schemaLocation="parts/types.xsd"/>
<xs:element name="ClinicalDocument"><xs:complexType><xs:sequence><xs:element ref="realmCode"/>
  <xs:any processContents="lax" minOccurs="0" maxOccurs="unbounded"/></xs:sequence>
  <xs:anyAttribute processContents="lax"/></xs:complexType></xs:element></xs:schema>"""

_TYPES = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:hl7-org:v3"
  targetNamespace="urn:hl7-org:v3" elementFormDefault="qualified">
<xs:element name="realmCode"><xs:complexType><xs:attribute name="code"/></xs:complexType></xs:element>
<xs:element name="versionNumber"><xs:complexType><xs:attribute name="value" type="xs:integer"/></xs:complexType>
</xs:element>
<xs:element name="languageCode"><xs:complexType><xs:attribute name="code"><xs:simpleType>
  <xs:restriction base="xs:string"><xs:enumeration value="fr-FR"/></xs:restriction></xs:simpleType></xs:attribute>
</xs:complexType></xs:element>
<xs:element name="effectiveTime"><xs:complexType><xs:sequence>
  <xs:any processContents="skip" minOccurs="0" maxOccurs="unbounded"/></xs:sequence>
  <xs:attribute name="value"><xs:simpleType><xs:restriction base="xs:string">
  <xs:pattern value="[0-9+\\-]+"/></xs:restriction></xs:simpleType>
  </xs:attribute></xs:complexType></xs:element></xs:schema>"""

_RULES = """<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt2" defaultPhase="all">
<ns prefix="cda" uri="urn:hl7-org:v3"/><phase id="all"><active pattern="language"/><active pattern="title"/></phase>
<pattern id="language"><let name="set" value="'codes.xml'"/>
  <rule context="cda:ClinicalDocument/cda:languageCode">
    <assert test="@code = document($set)//code">La langue n'est pas dans le jeu.</assert></rule>
  <rule context="cda:languageCode"><assert test="false()">Never: the first rule of a pattern counts.</assert></rule>
</pattern><include href="title.sch"/></schema>"""

_TITLE = """<pattern xmlns="http://purl.oclc.org/dsdl/schematron" id="title"><rule context="cda:ClinicalDocument">
<assert test="cda:title">Le titre est obligatoire.</assert>
<report test="count(cda:title) > 1">Le titre est unique.</report></rule></pattern>"""

_VALUE_SET = "<codes><code>fr-FR</code></codes>"


def publish(folder: Path) -> Path:
    """Write it; gives back its folder."""
    top = folder / "publication"
    files = {
        "infrastructure/cda/CDA_extended.xsd": _SCHEMA, "infrastructure/cda/parts/types.xsd": _TYPES,
        "schematrons/profils/ASIP-STRUCT-MIN-StrucMin.sch": _RULES, "schematrons/profils/title.sch": _TITLE,
        "schematrons/profils/codes.xml": _VALUE_SET,
    }  # fmt: skip
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return top
