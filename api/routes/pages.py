"""The search page, the dashboard and the API documentation; all that they load comes from here."""

from pathlib import Path
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates

from api.wording import LANGUAGES, WORDS

router = APIRouter(include_in_schema=False)
_FOLDER: Final = Path(__file__).parent.parent / "templates"
_YEAR_SECONDS: Final = 365 * 24 * 3600
_templates = Jinja2Templates(directory=_FOLDER)  # escapes what it is given


@router.get("/", response_class=HTMLResponse)
async def get_search_page(request: Request) -> Response:
    """Return the search page in the language asked for."""
    return _speak(request, "search.html")


@router.get("/dashboard", response_class=HTMLResponse)
async def get_dashboard(request: Request) -> Response:
    """Return the dashboard in the language asked for."""
    return _speak(request, "dashboard.html")


@router.get("/docs", response_class=HTMLResponse)
async def get_documentation(request: Request) -> Response:
    """Return the API documentation, in which every example can be tried."""
    return _show(request, "documentation.html", {})


def language_of(request: Request) -> str:
    """Return the language of the interface: `?lang=`, else the cookie `lang`, else the best of Accept-Language, else English."""
    for named in (request.query_params.get("lang"), request.cookies.get("lang")):
        if named in LANGUAGES:
            return named
    return preferred(request.headers.get("accept-language", ""))


def preferred(accepted: str) -> str:
    """Return the language of the interface that an Accept-Language header (RFC 9110, 12.5.4) prefers; English when it names none."""
    weighed: list[tuple[float, str]] = []
    for part in accepted.split(","):
        name, _, parameter = part.strip().partition(";")
        weight = parameter.strip().removeprefix("q=")
        try:
            weighed.append((float(weight) if weight else 1.0, name.strip().lower().split("-")[0]))
        except ValueError:
            continue
    known = [entry for entry in weighed if entry[1] in LANGUAGES and entry[0] > 0]
    return max(known, key=lambda entry: entry[0])[1] if known else LANGUAGES[0]


def _speak(request: Request, template: str) -> Response:
    language = language_of(request)
    words = WORDS[language]
    page = _show(request, template, {"language": language, "words": words, "script_words": orjson.dumps(words).decode()})
    if request.query_params.get("lang") == language:
        page.set_cookie("lang", language, max_age=_YEAR_SECONDS, samesite="lax")
    return page


def _show(request: Request, template: str, shown: dict[str, Any]) -> Response:
    return _templates.TemplateResponse(request, template, shown, headers={"Vary": "Accept-Language, Cookie", "Cache-Control": "no-cache"})
