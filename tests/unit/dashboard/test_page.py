"""The page: all its own, nothing parsed as markup, and a policy that allows just what stands in it."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from services.dashboard import page

HTML = page.FILE.read_text("utf-8")


@pytest.mark.parametrize("tag", ["script", "style"])
def test_the_policy_allows_what_stands_in_the_page_by_its_hash(tag: str) -> None:
    (block,) = re.findall(rf"<{tag}>(.*?)</{tag}>", HTML, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
    assert f"{tag}-src 'sha256-{digest}';" in page.load().policy


def test_the_policy_allows_nothing_else() -> None:
    policy = page.load().policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "*" not in policy


def test_another_script_has_another_hash(tmp_path: Path) -> None:
    changed = tmp_path / "page.html"
    changed.write_text(HTML.replace('"use strict";', '"use strict"; alert(1);'), "utf-8")
    assert page.load(changed).policy != page.load().policy


@pytest.mark.parametrize(
    "sink", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "setAttribute"]
)
def test_nothing_is_parsed_as_markup_or_code(sink: str) -> None:
    assert sink not in HTML


def test_there_are_no_inline_handlers_and_no_inline_styles() -> None:
    markup = HTML.partition("<script>")[0].partition("</style>")[2]
    assert not re.search(r"<[^>]*\s(on\w+|style)\s*=", markup)


def test_nothing_comes_from_elsewhere() -> None:
    assert not re.search(r"(https?:)?//[\w.-]+\.\w+", HTML)
    assert not re.search(r"\b(src|@import)\s*=?\s*[\"'(]", HTML)
