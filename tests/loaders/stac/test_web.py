import ipaddress
from collections.abc import Iterator

import pytest
import requests

from loaders.stac import addresses
from loaders.stac import web as module
from loaders.stac.web import Web
from skyscript_db.config import Settings
from skyscript_db.errors import LoaderError, RequestFailed
from skyscript_db.remote import Stopped
from tests.fix_stac import StacService


@pytest.fixture
def web(settings: Settings, shared_info: str) -> Iterator[Web]:
    with Web(settings, shared_info) as opened:
        yield opened


def ask(web: Web, url: str) -> str:
    return web.text(requests.Request("GET", url), url, lambda response, text: None)


def test_what_is_closed_asks_nobody(web: Web, stac: StacService):
    ask(web, stac.url)
    web.close()
    with pytest.raises(Stopped, match="were stopped"):
        ask(web, stac.url)
    with pytest.raises(Stopped, match="requests to 127"):
        web.span(stac.url, 0, 9, origin=stac.url)
    assert len(stac.asked) == 1


def test_hosts_are_bounded(
    web: Web, stac: StacService, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "MAX_HOSTS", 1)
    ask(web, stac.url)
    ask(web, stac.url)
    with pytest.raises(LoaderError, match="localhost:1 would be one host more than"):
        ask(web, "http://localhost:1/")


def test_a_password_is_not_told(web: Web, stac: StacService):
    with pytest.raises(RequestFailed, match="404") as caught:
        ask(web, f"{stac.url.replace('://', '://me:secret@')}/none")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("seen", ["93.184.215.14", "10.0.0.5"])
def test_a_name_that_leads_further_in_than_it_did_is_not_asked(
    web: Web, stac: StacService, monkeypatch: pytest.MonkeyPatch, seen: str
):
    monkeypatch.setattr(
        addresses, "_looked_up", lambda _: (ipaddress.ip_address(seen),)
    )
    url = stac.url.replace("127.0.0.1", "localhost")
    with pytest.raises(LoaderError, match=r"leads to 127\.0\.0\.1 now"):
        ask(web, url)
    with pytest.raises(LoaderError, match=r"leads to 127\.0\.0\.1 now"):
        web.span(url, 0, 9, origin="https://93.184.215.14/")
    assert stac.asked == []


@pytest.mark.parametrize("host", ["localhost", "localhost.", "LOCALHOST"])
def test_a_name_is_the_same_however_it_is_written(
    monkeypatch: pytest.MonkeyPatch, host: str
):
    found = {"localhost": ipaddress.ip_address("93.184.215.14")}
    now = ipaddress.ip_address("127.0.0.1")
    monkeypatch.setattr(addresses, "_looked_up", lambda host: (found.get(host, now),))
    with pytest.raises(LoaderError, match=r"leads to 127\.0\.0\.1 now"):
        addresses.check_peer(host, "127.0.0.1")


def test_an_address_where_nothing_answers_is_told(settings: Settings, shared_info: str):
    once = settings.model_copy(update={"request_tries": 1})
    with Web(once, shared_info) as web, pytest.raises(RequestFailed) as caught:
        ask(web, "http://127.0.0.1:9/stac")
    assert str(caught.value) == (
        "nothing answers at http://127.0.0.1:9/stac: see whether the address is right "
        "and the network is there"
    )
