"""What a person sees of a board's history, pairs, judges, and of boards that might have been."""

import io

import pytest
from rich.console import Console, RenderableType

from dearena.cli import boards, diff, judges, pairs, what_if
from dearena.faults import InvalidField, UnknownModel
from dearena.v1 import common_pb2
from dearena.v1 import scorer_pb2 as pb


def lines(thing: RenderableType) -> list[str]:
    """Lines with single spaces."""
    screen = Console(file=io.StringIO(), width=160, markup=False, highlight=False)
    screen.print(thing)
    assert isinstance(screen.file, io.StringIO)
    return [" ".join(line.split()) for line in screen.file.getvalue().splitlines()]


SCORE = pb.ScoringSettings(weighting="score", ties="half", flips="leave", constants={"restarts": 3.0})


def test_versions_are_listed_with_what_produced_them() -> None:
    board = pb.BoardSummary(
        board_version=12, settled=True, models=8, votes=12_345, board_digest="3f2a9c0b7d11aa", settings=SCORE
    )
    board.create_time.FromSeconds(86_400)
    old = pb.BoardSummary(board_version=1, models=5, votes=40)
    assert lines(boards.table([board, old]))[1:] == [
        "12 yes 8 12,345 weights score · ties half · flips leave 3f2a9c0b7d11 1970-01-02 00:00:00",
        "1 no 5 40 1970-01-01 00:00:00",
    ]


class TestDiff:
    def test_a_change_of_rank_is_split_by_cause(self) -> None:
        found = pb.DiffBoardsResponse(
            from_version=3,
            to_version=9,
            models=[
                pb.ModelChange(
                    model="alpha@1", rank_before=1, rank_after=3, rank=pb.ChangeParts(new_models=1, new_votes=1)
                ),
                pb.ModelChange(
                    model="beta@1",
                    rank_before=2,
                    rank_after=1,
                    rank=pb.ChangeParts(new_models=1, new_votes=-2),
                    strength_before=-0.25,
                    strength_after=0.5,
                ),
            ],
            came=["gamma@1"],
        )
        assert lines(diff.rendered("algebra", found)) == [
            "algebra · board 3 to 9 · 2 of 2 models have another rank",
            "model rank change by new models by new votes strength",
            "beta@1 2 to 1 -1 +1 -2 -0.250 to +0.500",
            "alpha@1 1 to 3 +2 +1 +1 +0.000 to +0.000",
            "came: gamma@1",
        ]

    def test_settings_that_are_others_are_named(self) -> None:
        after = pb.ScoringSettings(weighting="reliability", ties="half", flips="leave", constants={"damping": 0.5})
        found = pb.DiffBoardsResponse(from_version=1, to_version=2, from_settings=SCORE, to_settings=after)
        assert lines(diff.rendered("algebra", found))[1:] == [
            "damping: none, then 0.5",
            "restarts: 3.0, then none",
            "weighting: score, then reliability",
        ]
        found.ClearField("from_settings")  # not kept at that time: nothing can be said
        assert len(lines(diff.rendered("algebra", found))) == 1


class TestPairs:
    FOUND = pb.GetPairsResponse(
        board_version=9,
        models=["alpha@2", "beta@1", "alpha@1"],
        better=[0.5, 0.99996, 1.0, 0.00004, 0.5, 0.6, 0.0, 0.4, 0.5],
        votes_needed=[0, 900, 0, 900, 0, 2_500, 0, 2_500, 0],
        votes=1_000,
        groups=[1, 2, 2],
        critical=2.345,
    )

    def shown(self, *names: str) -> list[str]:
        model, other = (*names, "", "")[:2]
        chosen = [pairs.pair_of(self.FOUND, i, j) for i, j in pairs.places(self.FOUND, model, other)]
        return lines(pairs.rendered("algebra", self.FOUND, chosen))[2:]

    def test_each_is_held_against_the_next_below(self) -> None:
        assert self.shown() == [
            "1 alpha@2 2 beta@1 > 99.9 % 1, 2 yes 0",
            "2 beta@1 3 alpha@1 60.0 % 2, 2 no 1,500",
        ]

    def test_one_is_held_against_all_others_or_one(self) -> None:
        assert self.shown("beta") == [
            "2 beta@1 1 alpha@2 < 0.1 % 2, 1 yes 0",
            "2 beta@1 3 alpha@1 60.0 % 2, 2 no 1,500",
        ]
        assert self.shown("alpha@1", "beta@1") == ["3 alpha@1 2 beta@1 40.0 % 2, 2 no 1,500"]
        # A slug means its best revision. Sure, and yet no number would do: then they are not told apart.
        assert self.shown("alpha", "alpha@1") == ["1 alpha@2 3 alpha@1 100.0 % 1, 2 no no number would do"]

    def test_whoever_has_no_rank_is_refused(self) -> None:
        for names in (("gamma", ""), ("beta", "gamma"), ("beta@2", "")):
            with pytest.raises(UnknownModel, match="has no rank on board 9"):
                pairs.places(self.FOUND, *names)
        with pytest.raises(InvalidField, match="is beta@1, and so is A"):
            pairs.places(self.FOUND, "beta", "beta@1")

    def test_of_one_model_there_is_no_pair(self) -> None:
        one = pb.GetPairsResponse(board_version=1, models=["alpha@1"], better=[0.5], votes_needed=[0], groups=[1])
        assert pairs.places(one, "", "") == []
        assert lines(pairs.rendered("algebra", one, []))[1] == "fewer than two models are ranked"


class TestJudges:
    LOUD = pb.JudgeReport(
        judge="alpha@1",
        outcomes=pb.OutcomeCounts(a=60, b=20, tie=10, flip=10),
        first_seat=pb.Share(value=0.7, low=0.62, high=0.78, votes=180),
        agreement=pb.JudgeAgreement(share=pb.Share(value=0.8, low=0.7, high=0.9), expected=0.75),
        family=pb.JudgeFavour(premium=0.5, low=-0.1, high=1.1),
        weight=1.25,
        notes=["prefers the first seat", "favours its family"],
    )
    QUIET = pb.JudgeReport(judge="beta@1", outcomes=pb.OutcomeCounts(tie=4), weight=0.75)

    def test_the_heaviest_come_first_and_what_cannot_be_told_is_left_out(self) -> None:
        found = pb.GetJudgeReportResponse(board_version=9, judges=[self.QUIET, self.LOUD])
        assert lines(judges.rendered("algebra", found)) == [
            "algebra · board 9 · 2 judges",
            "judge weight votes TIE FLIP first seat agreement expected own family",
            "alpha@1 1.25 90 10.0 % 10.0 % 70 % (62 to 78) 80 % (70 to 90) 75 % +0.50 (-0.10 to +1.10)",
            "beta@1 0.75 4 100.0 % 0.0 %",
            "note: alpha@1 prefers the first seat, favours its family",
        ]

    def test_worth_is_shown_where_it_was_asked_for(self) -> None:
        loud, quiet = pb.JudgeReport(), pb.JudgeReport()
        loud.CopyFrom(self.LOUD)
        quiet.CopyFrom(self.QUIET)
        loud.cost.CopyFrom(common_pb2.Money(currency="USD", nano_units=2_500_000_000))
        loud.worth.CopyFrom(pb.JudgeWorth(variance_removed=0.0125, nano_units_per_variance=2e11))
        quiet.worth.CopyFrom(pb.JudgeWorth(variance_removed=-0.001))
        shown = lines(judges.rendered("algebra", pb.GetJudgeReportResponse(board_version=9, judges=[loud, quiet])))
        assert shown[5:8] == [
            "judge cost variance removed cost of a unit of variance",
            "alpha@1 USD 2.50 0.0125 USD 200",
            "beta@1 free -0.001 removes none",
        ]


class TestWhatIf:
    def test_ranks_are_shown_with_how_they_fare_on_other_boards(self) -> None:
        found = pb.GetCounterfactualsResponse(
            board_version=9,
            models=[
                pb.CounterfactualModel(
                    model="alpha@1",
                    rank=2,
                    group=1,
                    boards=2,
                    rank_lowest=1,
                    rank_highest=2,
                    same_rank=0.5,
                    same_group=1.0,
                    undecided=7,
                    rank_all_won=1,
                    rank_all_lost=3,
                ),
                pb.CounterfactualModel(
                    model="beta@1", rank=1, group=1, boards=2, rank_lowest=1, rank_highest=2, same_group=1.0
                ),
                pb.CounterfactualModel(model="gamma@1"),
            ],
            boards=[
                pb.CounterfactualBoard(
                    kind=pb.COUNTERFACTUAL_KIND_FAMILY_JUDGES,
                    what="greek",
                    votes=80,
                    ranks=[1, 2, 0],
                    agreement=-1.0,
                    settled=True,
                ),
                pb.CounterfactualBoard(
                    kind=pb.COUNTERFACTUAL_KIND_TIES, what="davidson", votes=90, ranks=[2, 1, 0], agreement=1.0
                ),
                pb.CounterfactualBoard(kind=pb.COUNTERFACTUAL_KIND_JUDGE, what="beta@1", fault="no votes are left"),
            ],
        )
        assert lines(what_if.rendered("algebra", found)) == [
            "algebra · board 9 · 3 other boards",
            "rank group model other boards same rank same group undecided ranks if won or lost",
            "1 1 beta@1 1 to 2 0 % 100 %",
            "2 1 alpha@1 1 to 2 50 % 100 % 7 1 to 3",
            "gamma@1",
            "",
            "other board votes agreement first farthest move",
            "without the judges of greek 80 -1.000 alpha@1 alpha@1 2 to 1",
            "ties davidson 90 1.000 beta@1 none",
            "note: without the judge beta@1: no votes are left",
            "note: ties davidson: the judge weights did not come to rest",
        ]

    def test_every_kind_of_the_contract_can_be_asked_for(self) -> None:
        known = {kind.number for kind in what_if.Kind}
        assert known == set(pb.CounterfactualKind.values()) - {pb.COUNTERFACTUAL_KIND_UNSPECIFIED}
