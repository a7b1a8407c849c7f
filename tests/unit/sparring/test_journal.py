"""What the journal remembers."""

from dearena.sparring.journal import Journal


def test_requests_are_counted_by_id_and_repeated_ones_named() -> None:
    journal = Journal()
    assert [journal.received(request_id) for request_id in ("a", "b", "a", "", "a")] == [0, 0, 1, 0, 2]
    report = journal.report()
    assert report["total"] == 5
    assert report["without_id"] == 1
    assert report["by_request_id"] == {"a": 3, "b": 1}
    assert report["repeated"] == {"a": 3}


def test_the_peak_in_flight_is_kept_in_all_and_by_model() -> None:
    journal = Journal()
    with journal.in_flight("w/x"), journal.in_flight("w/x"), journal.in_flight("w/y"):
        assert journal.report()["in_flight"] == 3
    report = journal.report()
    assert (report["in_flight"], report["in_flight_peak"]) == (0, 3)
    assert report["by_model"] == {
        "w/x": {"requests": 2, "in_flight_peak": 2},
        "w/y": {"requests": 1, "in_flight_peak": 1},
    }


def test_clearing_forgets_requests_but_not_those_in_flight() -> None:
    journal = Journal()
    journal.received("a")
    with journal.in_flight("w/x"):
        with journal.in_flight("w/y"):
            pass
        journal.clear()
        report = journal.report()
        assert (report["total"], report["by_request_id"], report["by_model"]) == (0, {}, {})
        assert (report["in_flight"], report["in_flight_peak"]) == (1, 1)
    assert journal.report()["in_flight"] == 0
    assert journal.received("a") == 0


def test_models_asked_for_are_listed_by_world() -> None:
    journal = Journal()
    for model in ("w/b", "w/a/7b", "wide/c"):
        with journal.in_flight(model):
            pass
    assert journal.models("w") == ["a/7b", "b"]
