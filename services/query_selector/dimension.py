"""What a dimension is made with: its settings, checked and with every default filled in. Pure.

Settings are fixed for the life of a dimension version, so whatever is left open is decided here, once,
and is written down as if it had been asked for.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from dearena import identity
from dearena.faults import BrokenPool, FieldViolation, InvalidField
from dearena.judging.choice import choice_of
from dearena.judging.templates import DEFAULT_TEMPLATE, OWN
from dearena.names import DimensionName, InvalidName
from dearena.pools.json_lines import LISTED_LINES, Pool, Question
from services.query_selector import judging_policy, pilot_settings, ranking_settings
from services.query_selector import selection as methods
from services.query_selector.judging_policy import JudgingPolicy, wrong_providers
from services.query_selector.pilot_settings import PilotSettings, wrong_models
from services.query_selector.ranking_settings import RankingSettings

MAX_DISPLAY_NAME: Final = 200
MAX_ONLY_MODELS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Selection:
    """How queries are chosen from the pool."""

    method: str
    k: int
    seed: int
    pilot: PilotSettings = pilot_settings.UNSAID

    @property
    def needs_pilot(self) -> bool:
        """Whether a pilot is heard before anything is chosen."""
        return self.method in methods.BY_PILOT


@dataclass(frozen=True, slots=True)
class Declaration:
    """A dimension as somebody asks for it; empty strings and zeros stand for the defaults."""

    name: str
    display_name: str
    selection: Selection
    ranking: RankingSettings
    template: str
    allowed_providers: tuple[str, ...]
    judging: JudgingPolicy = judging_policy.OPEN
    only_models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension that can be stored: checked, with nothing left open."""

    name: DimensionName
    version: int
    display_name: str
    selection: Selection
    ranking: RankingSettings
    template: str
    allowed_providers: tuple[str, ...]
    pool_size: int
    pool_hash: identity.Digest
    query_count: int
    judging: JudgingPolicy = judging_policy.OPEN
    only_models: tuple[str, ...] = ()

    @property
    def selecting(self) -> bool:
        """Whether its queries are still to be chosen."""
        return self.query_count == 0


def checked(declaration: Declaration) -> Declaration:
    """The declaration with its defaults filled in, before its pool has been seen.

    Raises:
        InvalidField: with a violation for every field that is wrong.
    """
    violations: list[FieldViolation] = []
    asked = declaration.selection

    def choice(field: str, value: str, known: Sequence[str]) -> str:
        value = value or known[0]
        if value not in known:
            violations.append(FieldViolation(field, f"{value!r} is not known; there is: {', '.join(known)}"))
        return value

    slug = ""
    try:
        slug = DimensionName.parse(declaration.name).slug
    except InvalidName as error:
        violations.append(FieldViolation("dimension.name", str(error)))
    if len(declaration.display_name) > MAX_DISPLAY_NAME:
        violations.append(FieldViolation("dimension.display_name", f"is longer than {MAX_DISPLAY_NAME} characters"))
    if asked.k < 1:
        violations.append(FieldViolation("dimension.selection.k", "must be at least 1"))
    ranking, wrong_ranking = ranking_settings.filled(declaration.ranking, "dimension.ranking")
    violations += wrong_ranking
    violations += wrong_providers(declaration.allowed_providers, "dimension.allowed_providers")
    violations += wrong_models(declaration.only_models, "dimension.only_models", MAX_ONLY_MODELS)
    method = choice("dimension.selection.method", asked.method, methods.METHODS)
    if method in methods.BY_PILOT:
        violations += pilot_settings.violations(
            asked.pilot, asked.k, ranking.seats, declaration.only_models, "dimension.selection.pilot"
        )
    elif asked.pilot != pilot_settings.UNSAID:
        violations.append(FieldViolation("dimension.selection.pilot", f"is of methods by a pilot; {method} is none"))
    violations += judging_policy.wrong_template(declaration.template, declaration.judging)
    violations += judging_policy.violations(declaration.judging, declaration.allowed_providers, "dimension.judging")
    whole = Declaration(
        name=declaration.name,
        display_name=declaration.display_name or slug,
        selection=replace(asked, method=method),
        ranking=ranking,
        template=OWN if declaration.judging.template_text else declaration.template or DEFAULT_TEMPLATE,
        allowed_providers=declaration.allowed_providers,
        judging=declaration.judging,
        only_models=declaration.only_models,
    )
    if violations:
        raise InvalidField("; ".join(f"{one.field}: {one.description}" for one in violations), violations)
    return whole


def create(declaration: Declaration, pool: Pool) -> tuple[Dimension, tuple[Question, ...]]:
    """The first version of a dimension, and its queries in id order; none where a pilot is to choose them.

    Raises:
        InvalidField: a field is wrong, or the pool is smaller than k.
        BrokenPool: a query chosen, or one that a pilot might choose, lacks the reference that judges are to be shown.
    """
    whole = checked(declaration)
    asked = whole.selection
    queries: tuple[Question, ...] = ()
    if asked.needs_pilot:
        methods.check_size(asked.k, len(pool.questions))
    else:
        queries = methods.at_random(pool.questions, k=asked.k, seed=asked.seed)
    judging = whole.judging
    templates = choice_of(whole.template, judging.template_text, without_reference=judging.template_without_reference)
    if lacking := judging_policy.without_reference(templates, queries or pool.questions):
        more = f" (and {len(lacking) - 1:,} more)" if len(lacking) > 1 else ""
        raise BrokenPool(f"{lacking[0].field}: {lacking[0].description}{more}", lacking[:LISTED_LINES])
    dimension = Dimension(
        name=DimensionName.parse(whole.name),
        version=1,
        display_name=whole.display_name,
        selection=asked,
        ranking=whole.ranking,
        template=whole.template,
        allowed_providers=whole.allowed_providers,
        judging=whole.judging,
        only_models=whole.only_models,
        pool_size=len(pool.questions),
        pool_hash=pool.pool_hash(),
        query_count=len(queries),
    )
    return dimension, queries


def etag(dimension: Dimension) -> str:
    """Changes with everything that can be changed about a dimension."""
    asked = dimension.selection
    return identity.digest_of(
        {
            "name": str(dimension.name),
            "version": dimension.version,
            "display_name": dimension.display_name,
            # As text: a seed has 64 bits, a JSON number 53.
            "selection": [asked.method, asked.k, str(asked.seed)],
            **({"pilot": pilot_settings.hashed(asked.pilot)} if asked.pilot != pilot_settings.UNSAID else {}),
            "ranking": _hashed(dimension.ranking),
            "template": dimension.template,
            "allowed_providers": list(dimension.allowed_providers),
            "judging": asdict(dimension.judging),
            "pool": dimension.pool_hash,
            # Where nothing is said, tags are as they were before it could be.
            **({"only_models": list(dimension.only_models)} if dimension.only_models else {}),
        }
    )[:16]


def _hashed(ranking: RankingSettings) -> dict[str, object]:
    settings = asdict(ranking)
    if ranking.target_cost:
        # As text: an amount has 63 bits, a JSON number 53.
        settings["target_cost"] = [ranking.target_cost.currency, str(ranking.target_cost.nano_units)]
    return settings
