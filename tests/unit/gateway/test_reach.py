"""Where calls may go."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.endpoints import InvalidBaseUrl, check_base_url
from services.gateway.reach import Reach, RefusedByPolicy, networks

PUBLIC = ["8.8.8.8", "104.18.6.192", "2606:4700::6812:6c0", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
NOT_PUBLIC = [
    "0.0.0.0",  # Linux connects it to itself
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",  # carrier-grade NAT
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "192.88.99.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4 to 127.0.0.1
    "2002:808:808::",
    "3fff::1",
    "4000::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]

EVERYWHERE = Reach(allow_private=networks(["0.0.0.0/0", "::/0"]))


def allows(reach: Reach, address: str) -> bool:
    try:
        reach.check_address(address)
    except RefusedByPolicy:
        return False
    return True


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    assert allows(Reach(), address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_all_others_are_refused_with_the_setting_that_would_let_them(address: str) -> None:
    with pytest.raises(RefusedByPolicy, match="allow_private"):
        Reach().check_address(address)


@given(address=st.ip_addresses(v=4), coat=st.sampled_from(["::ffff:0:0", "64:ff9b::"]))
def test_an_ipv4_address_in_an_ipv6_coat_is_judged_as_itself(address: IPv4Address, coat: str) -> None:
    coated = IPv6Address(int(IPv6Address(coat)) | int(address))
    assert allows(Reach(), str(coated)) == allows(Reach(), str(address))
    loopback = Reach(allow_private=networks(["127.0.0.0/8"]))
    assert allows(loopback, str(coated)) == allows(loopback, str(address))


@given(
    address=st.one_of(
        st.ip_addresses(),
        *(
            st.ip_addresses(network=network)
            for network in ("10.0.0.0/8", "127.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "224.0.0.0/4", "fc00::/7")
        ),
    )
)
def test_nothing_is_public_that_the_registries_call_special(address: IPv4Address | IPv6Address) -> None:
    special = not address.is_global or address.is_multicast or address.is_link_local or address.is_loopback
    wrapped = isinstance(address, IPv6Address) and (address.ipv4_mapped or address in ip_network("64:ff9b::/96"))
    assert not (special and allows(Reach(), str(address))) or wrapped


def test_an_allowed_network_is_reached_and_its_neighbours_are_not() -> None:
    reach = Reach(allow_private=networks(["10.1.0.0/16", "fd00::/64"]))
    assert allows(reach, "10.1.255.255")
    assert allows(reach, "::ffff:10.1.0.1")
    assert allows(reach, "fd00::1")
    assert not allows(reach, "10.2.0.0")
    assert not allows(reach, "fd00:0:0:1::1")
    assert not allows(reach, "127.0.0.1")


@pytest.mark.parametrize("metadata", ["169.254.169.254", "fd00:ec2::254", "100.100.100.200"])
def test_a_wide_network_does_not_mean_the_metadata_service(metadata: str) -> None:
    assert allows(EVERYWHERE, "169.254.1.1")
    assert not allows(EVERYWHERE, metadata)
    assert allows(Reach(allow_private=networks([metadata])), metadata)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/v1",
        "http://[::1]/v1",
        "http://[::ffff:127.0.0.1]/v1",
        "http://localhost/v1",
        "http://LOCALHOST./v1",
        "http://model.localhost:1/v1",
        "https://169.254.169.254/latest",
        "http://[fe80::1%25eth0]/v1",
    ],
)
def test_what_a_url_gives_away_is_refused_before_any_look_up(url: str) -> None:
    with pytest.raises(RefusedByPolicy, match="allow_private"):
        Reach().check_url(url)


def test_loopback_is_reached_by_every_name_once_it_is_allowed() -> None:
    reach = Reach(allow_private=networks(["127.0.0.0/8"]))
    reach.check_url("http://127.0.0.1:8000/v1")
    reach.check_url("http://localhost:8000/v1")


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "127.0.0.0x1",
        "1.2.3.4.5",
        "a.1",
        "127.0.0.1.",
        "0x",
    ],
)
def test_other_spellings_of_addresses_are_no_hosts(host: str) -> None:
    with pytest.raises(InvalidBaseUrl):
        check_base_url(f"http://{host}/v1")


def test_only_allowed_schemes_are_spoken() -> None:
    reach = Reach(allowed_schemes=frozenset({"https"}))
    reach.check_url("https://api.example.com/v1")
    with pytest.raises(RefusedByPolicy, match="allowed_schemes"):
        reach.check_url("http://api.example.com/v1")


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("api.example.com", True),
        ("API.example.com.", True),
        ("eu.models.test", True),
        ("a.b.models.test", True),
        ("models.test", False),
        ("evilmodels.test", False),
        ("api.example.com.evil.test", False),
        ("x-api.example.com", False),
    ],
)
def test_only_allowed_hosts_are_called(host: str, allowed: bool) -> None:  # noqa: FBT001
    reach = Reach(allowed_hosts=("api.example.com", "*.models.test"))
    if allowed:
        reach.check_url(f"https://{host}/v1")
    else:
        with pytest.raises(RefusedByPolicy, match="allowed_hosts"):
            reach.check_url(f"https://{host}/v1")


def test_an_allowed_host_may_not_be_private_all_the_same() -> None:
    with pytest.raises(RefusedByPolicy, match="allow_private"):
        Reach(allowed_hosts=("10.0.0.1",)).check_url("http://10.0.0.1/v1")


@given(text=st.text())
def test_what_is_no_address_is_refused(text: str) -> None:
    try:
        ip_address(text)
    except ValueError:
        assert not allows(EVERYWHERE, text)
