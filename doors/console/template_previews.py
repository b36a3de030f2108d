"""The templates of e-mails and documents: whose they are, and how they look.

They are shown with made-up facts, or with those of an account that the visitor names. Templates are
files of the seller, so nothing is changed here.
"""

import asyncio
from dataclasses import dataclass

from starlette.responses import Response

from activities.mail_previews import MailPreview, mail_preview
from core.documents.mails import MailTexts, Written
from core.documents.own_templates import BadTemplates
from core.domain.alarms import Alarm
from core.domain.documents import Format
from core.domain.events import Event
from core.domain.languages import Language
from core.domain.mails import TOLD
from core.ledger.clocks import machine_now
from doors.access.staff import StaffCaller
from doors.console.documents import file_of
from doors.console.errors import Trouble
from doors.console.pages import Page, Pages
from doors.console.parameters import SomeId
from doors.console.visitors import Visiting
from doors.queries.accounts import find_account
from doors.queries.newest_documents import Kind, newest_document
from doors.queries.snapshot import NotFound

pages = Pages()

_KINDS = (*(str(event) for event in TOLD), *map(str, Alarm))
_OPERATION = "list_templates"


@dataclass(frozen=True, slots=True)
class Source:
    """A template of e-mails or documents. `own`: it is the seller's, or it uses one of those."""

    kind: str
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An e-mail in words, and what its facts are.

    `of`: what an account has told. None: they are made up. `language`: that of the words.
    """

    written: Written
    language: Language
    of: MailPreview | None


@pages.get("/admin/templates", _OPERATION)
async def templates(visitor: Visiting, account: SomeId = None) -> Page:
    """All templates. `account`: the account with whose facts they are looked at."""
    config = visitor.perennial.config
    if account is not None:
        await visitor.read(find_account, account)
    mails, documents = await asyncio.to_thread(_sources, visitor)
    return Page(
        template="templates.html",
        shows={
            "mails": mails,
            "documents": documents,
            "alarms": set(Alarm),
            "languages": list(Language),
            "formats": [Format.HTML, Format.PDF],
            "mail_folder": config.mail_templates,
            "document_folder": config.document_templates,
            "account": account,
        },
    )


@pages.get("/admin/templates/{kind}/{language}", _OPERATION)
async def mail(visitor: Visiting, kind: str, language: Language, account: SomeId = None) -> Page:
    """An e-mail in words, and its template."""
    shown = await _mail(visitor, kind, language, account)
    texts = MailTexts(visitor.perennial.config.mail_templates)
    name, source = await asyncio.to_thread(texts.source, _kind(kind), language)
    shows = {
        "kind": kind,
        "language": language,
        "languages": list(Language),
        "it": shown,
        "alarm": kind in set(Alarm),
        "account": account,
        "name": name,
        "own": name in texts.own,
        "source": source,
    }
    return Page(template="template.html", shows=shows)


@pages.get("/admin/template-mails/{kind}/{language}", _OPERATION)
async def mail_file(
    visitor: Visiting, kind: str, language: Language, account: SomeId = None
) -> Response:
    """An e-mail as HTML, as its reader sees it."""
    shown = await _mail(visitor, kind, language, account)
    return file_of(shown.written.html.encode(), Format.HTML, kind)


@pages.get("/admin/template-documents/{format_}/{kind}/{language}", _OPERATION)
async def document_file(
    visitor: Visiting, format_: Format, kind: str, language: Language, account: SomeId = None
) -> Response:
    """A document as a file: the newest one of the account, or one with made-up facts."""
    content = await _document(visitor, format_, kind, language, account)
    return file_of(content, format_, kind)


def _sources(visitor: StaffCaller) -> tuple[list[Source], list[Source]]:
    from core.documents.document_templates import DocumentTemplates
    from core.documents.samples import KINDS

    config = visitor.perennial.config
    own = MailTexts(config.mail_templates).own
    mails = [Source(kind, any(name.endswith(f"/{kind}.txt") for name in own)) for kind in _KINDS]
    mine = DocumentTemplates(config.document_templates).own
    shared = {name for name in mine if name.partition(".")[0] not in KINDS}
    documents = [
        Source(kind, bool(shared or {f"{kind}.typ", f"{kind}.html"} & mine)) for kind in KINDS
    ]
    return mails, documents


def _kind(kind: str) -> Event | Alarm:
    if kind not in _KINDS:
        raise NotFound(f"there is no e-mail {kind}")
    return Alarm(kind) if kind in set(Alarm) else Event(kind)


async def _mail(visitor: StaffCaller, kind: str, language: Language, account: str | None) -> Shown:
    event, told = _kind(kind), None
    if account is not None and isinstance(event, Event):
        await visitor.read(find_account, account)
        told = await visitor.read(mail_preview, account, event, language, machine_now())
    texts = MailTexts(visitor.perennial.config.mail_templates)

    def write() -> Written:
        if told is None or isinstance(event, Alarm):
            return texts.sample(event, language)
        return texts.write(event, language, told.facts)

    try:
        return Shown(written=await asyncio.to_thread(write), language=language, of=told)
    except BadTemplates as error:
        raise _bad(error) from None


async def _document(
    visitor: StaffCaller, format_: Format, kind: str, language: Language, account: str | None
) -> bytes:
    from core.documents.document_templates import templates_of
    from core.documents.render import render
    from core.documents.samples import KINDS, drawn

    if kind not in KINDS or format_ is Format.XML:
        raise NotFound(f"there is no template of {kind} as {format_}")
    folder = visitor.perennial.config.document_templates
    facts = None
    if account is not None:
        facts = await visitor.read(newest_document, account, Kind(kind), language)
        if facts is None:
            raise NotFound(f"account {account} has no {kind.replace('_', ' ')} yet")
    try:
        if facts is not None:
            return await asyncio.to_thread(render, facts, format_, folder)
        return await asyncio.to_thread(lambda: drawn(kind, language, format_, templates_of(folder)))
    except BadTemplates as error:
        raise _bad(error) from None


def _bad(error: Exception) -> Trouble:
    return Trouble(
        422, f"the template cannot be used: {error}", "Mend the file, and load it again."
    )
