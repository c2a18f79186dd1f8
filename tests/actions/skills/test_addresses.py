"""Which addresses are reached (F77), and that the one judged is the one connected to."""

from __future__ import annotations

import asyncio
import socket
import threading
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fsm.actions.net.addresses import addresses_of, network_of
from fsm.actions.python.skill import ActionFailed
from fsm.actions.skills.http import http
from fsm.engine.ports import Failed, Succeeded
from specs.stand_ins.web import Received, Reply, Server

from .names import Resolve
from .performing import Performing

PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/8", "::1/128"]
CLOSED = ["169.254.0.0/16", "fe80::/10", "224.0.0.0/4", "ff00::/8", "240.0.0.0/4", "0.0.0.0/32"]


def within(networks: list[str]) -> some.SearchStrategy[IPv4Address | IPv6Address]:
    return some.sampled_from(networks).flatmap(
        lambda text: some.ip_addresses(network=ip_network(text))
    )


@given(within(PRIVATE))
def test_private_and_loopback_addresses_are_not_public(address: IPv4Address) -> None:
    assert network_of(str(address)) in ("private", "any")


@given(within(CLOSED))
def test_link_local_and_multicast_addresses_are_never_private(address: IPv4Address) -> None:
    assert network_of(str(address)) == "any"


@given(within([*PRIVATE[:4], CLOSED[0]]))
def test_an_address_wrapped_in_another_is_judged_by_the_inner_one(address: IPv4Address) -> None:
    number = int(address)
    for wrapped in (
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(0x64FF9B << 96 | number),
        IPv6Address(0x2002 << 112 | number << 80),
    ):
        assert network_of(str(wrapped)) == network_of(str(address)), wrapped


@pytest.mark.parametrize("text", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(text: str) -> None:
    assert network_of(text) == "public"


@pytest.mark.parametrize(
    "text",
    ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "fe80::1%eth0"],
)
def test_addresses_that_give_out_credentials_need_the_widest_network(text: str) -> None:
    assert network_of(text) == "any"


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "017700000001", "127.0.0.1"])
def test_a_loopback_address_is_seen_however_it_is_written(host: str) -> None:
    with pytest.raises(ActionFailed, match="a private address, which is refused"):
        asyncio.run(addresses_of(host, 80, "public"))


def test_a_name_of_which_one_address_is_refused_is_refused(resolve: Resolve) -> None:
    resolve(["8.8.8.8", "169.254.169.254"])
    with pytest.raises(ActionFailed) as refused:
        asyncio.run(addresses_of("mixed.example", 80, "private"))
    assert str(refused.value) == (
        "`mixed.example` is 169.254.169.254, a link-local or metadata address, which is refused; "
        "if it is meant, allow it with `network: any`"
    )


def test_a_name_is_looked_up_once_and_its_next_address_is_never_asked_for(
    resolve: Resolve, tmp_path: Path
) -> None:
    """DNS rebinding: a name that is harmless when it is judged and another machine when it is connected."""
    with Server(lambda _: Reply(body=b"here")) as server:
        lookups = resolve(["127.0.0.1"], ["169.254.169.254"])
        outcome = Performing(http, tmp_path)(
            "get", url=f"http://rebind.example:{server.port}/", network="private"
        )
    assert isinstance(outcome, Succeeded), outcome
    assert lookups == ["rebind.example"]
    assert server.received[0].headers["host"] == f"rebind.example:{server.port}"


def test_each_redirect_is_judged_anew(resolve: Resolve, tmp_path: Path) -> None:
    def elsewhere(_: Received) -> Reply:
        return Reply(302, headers={"Location": "http://inner.example/latest/meta-data/"})

    with Server(elsewhere) as server:
        resolve(["127.0.0.1"], ["169.254.169.254"])
        outcome = Performing(http, tmp_path)(
            "get", url=f"http://outer.example:{server.port}/", network="private"
        )
    assert isinstance(outcome, Failed)
    assert "`inner.example` is 169.254.169.254, a link-local or metadata address" in outcome.error


def test_the_next_address_is_tried_when_one_cannot_be_connected_to(
    resolve: Resolve, tmp_path: Path
) -> None:
    with Server(lambda _: Reply()) as server:
        resolve(["127.0.0.2", "127.0.0.1"])  # the server listens on the second alone
        outcome = Performing(http, tmp_path)(
            "get", url=f"http://two.example:{server.port}/", network="private"
        )
    assert outcome == Succeeded({"status": 200})


def test_a_name_server_that_is_silent_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answered = threading.Event(), threading.Event()

    def silent(*_: object, **__: object) -> list[object]:
        asked.set()
        answered.wait()
        return []

    async def cancelled() -> None:
        task = asyncio.create_task(addresses_of("silent.example", 80, "public"))
        await asyncio.to_thread(asked.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    asyncio.run(cancelled())  # comes to its end while the server is silent still
    assert not answered.is_set()
    answered.set()
