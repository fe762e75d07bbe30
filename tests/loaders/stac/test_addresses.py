import socket
from typing import Any

import pytest

from loaders.stac.addresses import Reach, check, is_url, reach, shown
from skyscript_db.errors import LoaderError, RequestFailed


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ("93.184.215.14", Reach.PUBLIC),
        ("10.1.2.3", Reach.PRIVATE),
        ("192.168.0.1", Reach.PRIVATE),
        ("127.0.0.1", Reach.LOOPBACK),
        ("localhost", Reach.LOOPBACK),
        ("::1", Reach.LOOPBACK),
        ("0.0.0.0", Reach.LOOPBACK),  # noqa: S104 - asked, not bound
        ("169.254.169.254", Reach.MACHINE),
        ("2852039166", Reach.MACHINE),  # the same, as one number
        ("::ffff:169.254.169.254", Reach.MACHINE),
        ("fd00:ec2::254", Reach.MACHINE),
        ("100.100.100.200", Reach.MACHINE),
    ],
)
def test_reach(host: str, wanted: Reach):
    assert reach(host) is wanted


@pytest.mark.parametrize(
    ("url", "origin", "is_allowed"),
    [
        ("https://93.184.215.15/a.tif", "https://93.184.215.14/", True),
        ("http://10.0.0.5/a.tif", "https://93.184.215.14/", False),
        ("http://169.254.169.254/latest", "https://93.184.215.14/", False),
        ("http://169.254.169.254/latest", "http://10.0.0.5/", False),
        ("http://10.0.0.6/a.tif", "http://10.0.0.5/", True),
        ("http://127.0.0.1/a.tif", "http://10.0.0.5/", False),
        ("http://10.0.0.5/a.tif", "http://127.0.0.1:8080/", True),
        ("http://10.0.0.5/a.tif", "/home/me/catalog.json", True),
        ("http://169.254.169.254/latest", "/home/me/catalog.json", False),
        ("http://169.254.169.254/latest", "http://127.0.0.1:8080/", False),
        ("http://169.254.169.254/a", "http://169.254.169.254/b", False),
        ("file:///etc/passwd", "http://127.0.0.1:8080/", False),
        ("/etc/passwd", "http://127.0.0.1:8080/", False),
    ],
)
def test_what_lies_further_in_is_not_asked_for(url: str, origin: str, is_allowed: bool):
    if is_allowed:
        check(url, origin)
    else:
        with pytest.raises(LoaderError):
            check(url, origin)


def test_a_host_that_is_not_known_is_refused_and_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
):
    with pytest.raises(RequestFailed, match=r"the host host\.invalid is not known"):
        check("http://host.invalid/a.tif", "https://93.184.215.14/")
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.5", 0))]

    def answer(*asked: Any, **told: Any) -> Any:
        return inside

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert reach("host.invalid") is Reach.PRIVATE


def test_a_proxy_may_know_a_host_that_we_do_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("https_proxy", "http://10.0.0.1:3128")
    monkeypatch.setenv("no_proxy", "near.invalid")
    assert reach("far.invalid") is Reach.PUBLIC
    with pytest.raises(RequestFailed, match="is not known"):
        reach("near.invalid")


@pytest.mark.parametrize("href", ["http://[", "http://", "/a.tif", "s3://a/b.tif"])
def test_what_is_no_address(href: str):
    assert not is_url(href)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://me:secret@host:81/a@b.tif?sig=x", "https://host:81/a@b.tif"),
        ("https://me:secret@host", "https://host"),
        ("/a/b.tif", "/a/b.tif"),
    ],
)
def test_messages_tell_no_secrets(url: str, wanted: str):
    assert shown(url) == wanted
