"""`dearena register`: one model by options."""

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer
from pydantic import ValidationError

from dearena.budgets import other_currency
from dearena.cli import output, words
from dearena.cli.running import DEFAULT, AsJson, Project, run
from dearena.client import ArenaClient
from dearena.client.amounts import amount_of
from dearena.client.declared import DEFAULT_ANSWER_PARAMETERS, model_of
from dearena.client.declared_budgets import currency_of
from dearena.client.model_entries import EndpointEntry, ModelEntry, ParametersEntry, PriceEntry
from dearena.faults import FieldViolation, InvalidField, UnknownModel
from dearena.plain import plain
from dearena.v1 import gateway_pb2


def register(
    slug: Annotated[str, typer.Argument(help="How the arena calls it: a-z, 0-9 and '-'.")],
    *,
    url: Annotated[str, typer.Option("--url", help="The endpoint's URL before /chat/completions.")],
    model: Annotated[str, typer.Option("--model", help="The model's id at the endpoint.")],
    key: Annotated[str, typer.Option(help="Where the key is: env:NAME or file:/path, on the gateway's side.")] = "",
    display_name: Annotated[str, typer.Option(help="Default: the slug.")] = "",
    provider: Annotated[str, typer.Option(help="Who runs the endpoint.")] = "",
    family: Annotated[str, typer.Option(help="Models of one family may be kept from judging one another.")] = "",
    label: Annotated[list[str] | None, typer.Option(help="NAME=VALUE; may be repeated.")] = None,
    concurrency: Annotated[int, typer.Option(help="Calls in flight at once; 0: the default, 8.")] = 0,
    timeout: Annotated[float | None, typer.Option(help="Of one HTTP request, in seconds. Default: 60.")] = None,
    requests_per_minute: Annotated[int, typer.Option(help="HTTP requests; 0: no limit.")] = 0,
    tokens_per_minute: Annotated[int, typer.Option(help="In and out; 0: no limit.")] = 0,
    price_in: Annotated[str, typer.Option(help="Per million input tokens, for example 0.15.")] = "0",
    price_out: Annotated[str, typer.Option(help="Per million output tokens.")] = "0",
    currency: Annotated[str, typer.Option(help="Of the prices.")] = "USD",
    budget: Annotated[str, typer.Option(help="The most that its calls may cost, for example '5.00 USD'.")] = "",
    system_prompt: Annotated[str, typer.Option(help="Sent before every query, not before judging.")] = "",
    temperature: Annotated[float | None, typer.Option(help="For answering. Default: 0.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="For answering. Default: 2048.")] = None,
    judges: Annotated[bool, typer.Option("--judges/--no-judging", help="Whether it may judge.")] = True,
    sparring: Annotated[bool, typer.Option(help="It is a sparring model of the arena's own.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Check only; register nothing.")] = False,
    request_id: Annotated[str, typer.Option(help="Makes a repetition harmless.")] = "",
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Register a model, to be ranked in every dimension.

    Its answers are collected, then it is inserted into each ranking.

    For example, a local vLLM: dearena register kappa --url http://127.0.0.1:8000/v1 --model kappa-7b
    """

    async def body(client: ArenaClient) -> None:
        try:
            entry = ModelEntry(
                slug=slug,
                display_name=display_name,
                provider=provider,
                family=family,
                labels=_labels(label or []),
                endpoint=EndpointEntry(base_url=url, upstream_model=model, key_reference=key, sparring=sparring),
                answer_parameters=_answer_parameters(temperature, max_tokens),
                system_prompt=system_prompt,
                concurrency=concurrency,
                timeout_seconds=timeout,
                requests_per_minute=requests_per_minute,
                tokens_per_minute=tokens_per_minute,
                price=_price(currency, price_in, price_out),
                may_judge=judges,
                budget=budget,
            )
        except ValidationError as error:
            raise _fault(error) from error
        declared = model_of(entry, client.model_name(slug), cohort="")
        if entry.budget and not check and not await _is_there(client, slug):
            # Before its first call; where the name is taken it would be another model's budget.
            _check_budget(slug, entry.budget, await client.register_model(declared, validate_only=True))
            scope = gateway_pb2.BUDGET_SCOPE_MODEL
            await client.set_budget(gateway_pb2.Budget(scope=scope, model=slug, limit=amount_of(entry.budget)))
        registered = await client.register_model(declared, request_id=request_id, validate_only=check)
        if as_json:
            output.show_json(plain(registered))
        elif check:
            output.show(f"{slug} can be registered")
        else:
            output.show(
                f"{slug}@{registered.revision} is registered, {words.model_state(registered)}; "
                f"`dearena watch DIMENSION {slug}` shows how it finds its place"
            )
            if not family.strip():
                await _say_who_keeps_families_apart(client)

    run(body, project=project)


async def _say_who_keeps_families_apart(client: ArenaClient) -> None:
    """A model of no family is kept from nobody; whoever has registered it hears in which dimensions that counts."""
    apart = [words.slug(one.name) async for one in client.dimensions() if one.judging.exclude_family]
    if apart:
        output.show(f"it names no family, so that nobody is kept from it: {', '.join(apart)} would keep families apart")


async def _is_there(client: ArenaClient, slug: str) -> bool:
    try:
        await client.get_model(slug)
    except UnknownModel:
        return False
    return True


def _check_budget(slug: str, budget: str, model: gateway_pb2.Model) -> None:
    """Raises InvalidField where the model's budget would be in another currency than its calls."""
    limit, priced_in = amount_of(budget), currency_of(model.effective_price)
    if priced_in not in ("", limit.currency):
        raise InvalidField.of("--budget", other_currency(slug, priced_in, limit.currency))


def _answer_parameters(temperature: float | None, max_tokens: int | None) -> ParametersEntry | None:
    """What is said, and the contract's default for the other; None when neither is said."""
    if temperature is None and max_tokens is None:
        return None
    return ParametersEntry(
        temperature=DEFAULT_ANSWER_PARAMETERS.temperature if temperature is None else temperature,
        max_tokens=DEFAULT_ANSWER_PARAMETERS.max_tokens if max_tokens is None else max_tokens,
    )


def _labels(given: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    if wrong := [name for name, equals, _ in pairs if not equals or not name]:
        raise InvalidField.of("--label", f"{wrong[0]!r} is not of the form NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _price(currency: str, price_in: str, price_out: str) -> PriceEntry | None:
    try:
        paid_in, paid_out = Decimal(price_in), Decimal(price_out)
    except InvalidOperation as error:
        raise InvalidField.of("--price-in, --price-out", "must be numbers such as 0.15") from error
    if not paid_in and not paid_out:
        return None
    return PriceEntry(currency=currency, per_million_input_tokens=paid_in, per_million_output_tokens=paid_out)


def _fault(error: ValidationError) -> InvalidField:
    violations = [
        FieldViolation(".".join(str(part) for part in one["loc"]), one["msg"].removeprefix("Value error, "))
        for one in error.errors()
    ]
    return InvalidField("; ".join(f"{one.field}: {one.description}" for one in violations), violations)
