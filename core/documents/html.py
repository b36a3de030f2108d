"""A page as HTML in UTF-8, in one file: the style and the logo are inside."""

from base64 import b64encode

from jinja2 import TemplateError, TemplateSyntaxError

from core.documents.document_templates import DocumentTemplates
from core.documents.own_templates import BadTemplates
from core.documents.pages import Page
from core.domain.profiles import suffix_of


def html(page: Page, logo: bytes | None, templates: DocumentTemplates) -> bytes:
    """The page as HTML. Every text in it is escaped.

    Raises BadTemplates for a template of a seller that does not work.
    """
    name = f"{page.template}.html"
    data = f"data:image/{suffix_of(logo)};base64,{b64encode(logo).decode()}" if logo else ""
    try:
        return templates.html.get_template(name).render(page=page, logo=data).encode()
    except TemplateSyntaxError as error:
        place = (error.filename or name).rpartition("/")[2]
        raise BadTemplates(f"{name}: {place}, line {error.lineno}: {error.message}") from None
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise BadTemplates(f"{name}: {error}; the texts are those of `page`") from None
