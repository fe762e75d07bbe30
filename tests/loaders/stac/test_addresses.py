import pytest

from loaders.stac.addresses import Reach, check, reach
from skyscript_db.errors import LoaderError


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
        ("host.invalid", Reach.PUBLIC),
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
