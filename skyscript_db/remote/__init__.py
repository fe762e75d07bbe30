"""Services on the network: asked within shared limits, until they answer."""

from skyscript_db.remote.calls import Remote
from skyscript_db.remote.limits import Limits, Stopped

__all__ = ["Limits", "Remote", "Stopped"]
