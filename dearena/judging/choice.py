"""By which template each query of a dimension is judged. Pure.

Most dimensions have one template. One that shows judges a reference may name a second, for queries that have none.
"""

from dataclasses import dataclass

from dearena import faults
from dearena.identity import Digest
from dearena.judging.templates import Template, chosen


def has_reference(reference: str) -> bool:
    """Whether a query's reference is one that can be shown."""
    return bool(reference.strip())


@dataclass(frozen=True, slots=True)
class Choice:
    """A dimension's templates.

    Attributes:
        usual: by which queries are judged.
        without_reference: by which those are judged that have no reference; None: all by the usual one.
    """

    usual: Template
    without_reference: Template | None = None

    def of(self, reference: str) -> Template:
        """The template of a query with this reference; of one without: empty."""
        if self.without_reference is None or has_reference(reference):
            return self.usual
        return self.without_reference

    def hashed(self, template_hash: Digest) -> Template:
        """The template that a cell of the dimension names by hash.

        Raises:
            UnknownTemplate: the dimension has none of that hash.
        """
        for template in (self.usual, self.without_reference):
            if template is not None and template.hash == template_hash:
                return template
        raise faults.UnknownTemplate(f"no template with hash {template_hash!r}")


def choice_of(name: str, own_text: str = "", rubric: str = "", without_reference: str = "") -> Choice:
    """The templates of a dimension, which are the same for as long as the dimension version lives.

    Args:
        name: "name@version"; empty means the default; without meaning beside a text of its own.
        own_text: the dimension's own template; empty: the named one.
        rubric: by what is judged.
        without_reference: "name@version" of the template for queries without a reference; empty: there is none.

    Raises:
        UnknownTemplate: there is none of a name and version.
    """
    usual = chosen(name, own_text, rubric)
    return Choice(usual, chosen(without_reference, rubric=rubric) if without_reference else None)
