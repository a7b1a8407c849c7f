"""The page: one HTML file with its own script and style, and the policy that lets nothing else run."""

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("page.html")


@dataclass(frozen=True, slots=True)
class Page:
    """What is served at `/`."""

    html: str
    policy: str
    """Value of the Content-Security-Policy header."""


def load(file: Path = FILE) -> Page:
    """Read the page, and allow by hash exactly the script and style that stand in it."""
    html = file.read_text("utf-8")
    policy = [
        "default-src 'none'",
        f"script-src {_hashes('script', html)}",
        f"style-src {_hashes('style', html)}",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    return Page(html, "; ".join(policy))


def _hashes(tag: str, html: str) -> str:
    blocks = re.findall(rf"<{tag}>(.*?)</{tag}>", html, flags=re.DOTALL)
    return " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()}'" for block in blocks
    )
