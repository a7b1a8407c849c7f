"""All commands under one name."""

import typer

from dearena.cli import (
    apply,
    audit,
    boards,
    budget,
    diff,
    dimension,
    doctor,
    explain,
    fit,
    insertions,
    judge,
    judges,
    keys,
    leaderboard,
    ledger,
    models,
    pairs,
    pool,
    quote,
    refine,
    register,
    replay,
    simulate,
    suspend,
    up,
    votes,
    watch,
    what_if,
    why,
)

app = typer.Typer(
    name="dearena",
    help="A decentralized arena for language models: every ranked model also judges.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command("up", **up.SETTINGS)(up.up)
app.command("doctor")(doctor.doctor)
app.command("register")(register.register)
app.add_typer(models.app, name="models")
app.command("retire")(models.retire)
app.add_typer(keys.app, name="keys")
app.add_typer(budget.app, name="budget")
app.command("ledger")(ledger.ledger)
app.add_typer(dimension.app, name="dimension")
app.add_typer(pool.app, name="pool")
app.command("apply")(apply.apply)
app.command("leaderboard")(leaderboard.leaderboard)
app.command("boards")(boards.boards)
app.command("diff")(diff.diff)
app.command("pairs")(pairs.pairs)
app.command("judges")(judges.judges)
app.add_typer(judge.app, name="judge")
app.command("what-if")(what_if.what_if)
app.command("watch")(watch.watch)
app.command("insertions")(insertions.insertions)
app.command("explain")(explain.explain)
app.command("why")(why.why)
app.command("audit")(audit.audit)
app.command("refine")(refine.refine)
app.command("suspend")(suspend.suspend)
app.command("reinstate")(suspend.reinstate)
app.add_typer(votes.app, name="votes")
app.command("fit")(fit.fit)
app.command("replay")(replay.replay)
app.command("quote")(quote.quote)
app.command("simulate")(simulate.simulate)


def main() -> None:
    """The console script."""
    app()
