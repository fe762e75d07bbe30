"""Services on the network: asked within shared limits, until they answer."""

from skyscript_db.remote.calls import Remote, call_again
from skyscript_db.remote.faults import is_unanswered
from skyscript_db.remote.headers import retry_after_s
from skyscript_db.remote.limits import Limits, Stopped

__all__ = [
    "Limits",
    "Remote",
    "Stopped",
    "call_again",
    "is_unanswered",
    "retry_after_s",
]
