"""Keys are named, never given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.key_references import KeyMissing, KeyReference, KeyRefused, KeyRing, MalformedKeyReference

HOST = "api.example.com"


def ring(
    environment: dict[str, str] | None = None, files: dict[str, str] | None = None, directory: str = ""
) -> KeyRing:
    def read(path: str) -> str:
        try:
            return (files or {})[path]
        except KeyError:
            raise FileNotFoundError(path) from None

    return KeyRing(environment or {}, read, directory)


@pytest.mark.parametrize("text", ["env:OPENAI_API_KEY", "env:_k1", "file:/var/run/secrets/key"])
def test_a_reference_reads_back_as_it_was_written(text: str) -> None:
    assert str(KeyReference.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "env:",
        "env:1KEY",
        "env:sk-live-1234",
        "env:A B",
        "ENV:KEY",
        "file:",
        "file:relative/path",
        "file:/a/../etc/shadow",
        "file://host/path",
        "file:/a\n",
        "env:DEARENA_INSTALLATION_SECRET",
        "vault:secret",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(MalformedKeyReference):
        KeyReference.parse(text)


@given(key=st.text(alphabet=st.characters(codec="ascii", categories=["L", "N"]), min_size=8).map(lambda t: "sk-" + t))
def test_a_key_in_place_of_a_reference_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(MalformedKeyReference) as caught:
        KeyReference.parse(key)
    assert key not in str(caught.value)


def test_a_key_is_looked_up_at_each_call() -> None:
    environment = {"A_KEY": "first"}
    keys = ring(environment)
    assert keys.key(KeyReference("env", "A_KEY"), HOST) == "first"
    environment["A_KEY"] = "second"
    assert keys.key(KeyReference("env", "A_KEY"), HOST) == "second"


def test_a_file_may_end_with_a_line_break() -> None:
    assert ring(files={"/keys/a": "sk-1\n"}, directory="/keys").key(KeyReference("file", "/keys/a"), HOST) == "sk-1"


@pytest.mark.parametrize("content", ["", " \n", "two words", "two\nlines", "ümlaut", "x" * 5000])
def test_what_cannot_be_a_key_is_missing_and_not_repeated(content: str) -> None:
    with pytest.raises(KeyMissing) as caught:
        ring({"A_KEY": content}).key(KeyReference("env", "A_KEY"), HOST)
    assert not content.strip() or content not in str(caught.value)


@pytest.mark.parametrize("reference", [KeyReference("env", "NO_KEY"), KeyReference("file", "/none")])
def test_a_reference_that_names_nothing_is_missing(reference: KeyReference) -> None:
    with pytest.raises(KeyMissing):
        ring(directory="/").key(reference, HOST)


def test_only_files_below_the_directory_are_read() -> None:
    keys = ring(files={"/keys/a": "inside", "/keysafe/b": "beside"}, directory="/keys")
    assert keys.key(KeyReference("file", "/keys/a"), HOST) == "inside"
    with pytest.raises(KeyRefused, match="key_directory"):
        keys.key(KeyReference("file", "/keysafe/b"), HOST)


@pytest.mark.parametrize("variable", ["PATH", "MONGO_PASSWORD", "X_KEY_OLD", "x_key"])
def test_only_variables_of_the_allowed_patterns_are_read(variable: str) -> None:
    with pytest.raises(KeyRefused, match="key_variables"):
        ring({variable: "value"}).key(KeyReference("env", variable), HOST)


def test_an_operator_says_which_variables_may_be_named() -> None:
    keys = KeyRing({"ARENA_A": "a", "AWS_SECRET_ACCESS_KEY": "b"}, str, variables=("ARENA_*",))
    assert keys.key(KeyReference("env", "ARENA_A"), HOST) == "a"
    with pytest.raises(KeyRefused):
        keys.key(KeyReference("env", "AWS_SECRET_ACCESS_KEY"), HOST)


def test_without_a_directory_no_file_is_read() -> None:
    token = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    keys = ring(files={token: "of-the-cluster"})
    with pytest.raises(KeyRefused, match="key_directory names no directory"):
        keys.key(KeyReference("file", token), HOST)


def test_a_key_goes_to_the_hosts_that_it_is_for_and_to_no_other() -> None:
    keys = KeyRing(
        {"OPENAI_API_KEY": "a", "CORP_A_KEY": "b", "OTHER_KEY": "c"},
        {"/keys/two": "d"}.__getitem__,
        directory="/keys",
        hosts=(
            ("env:OPENAI_API_KEY", "api.openai.com"),
            ("env:CORP_*", "*.corp.example"),
            ("file:/keys/two", "one.example"),
            ("file:/keys/two", "two.example"),
        ),
    )
    assert keys.key(KeyReference("env", "OPENAI_API_KEY"), "api.openai.com") == "a"
    assert keys.key(KeyReference("env", "CORP_A_KEY"), "models.corp.example") == "b"
    assert keys.key(KeyReference("file", "/keys/two"), "two.example") == "d"
    for reference, host in (
        (KeyReference("env", "OPENAI_API_KEY"), "mine.example"),
        (KeyReference("env", "OPENAI_API_KEY"), "api.openai.com.mine.example"),
        (KeyReference("env", "CORP_A_KEY"), "corp.example"),
        (KeyReference("file", "/keys/two"), "three.example"),
        (KeyReference("env", "OTHER_KEY"), "api.openai.com"),
    ):
        with pytest.raises(KeyRefused, match="key_hosts"):
            keys.key(reference, host)
