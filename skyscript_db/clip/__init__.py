"""CLIP through open_clip, from its weights to unit vectors.

``load`` gives a ``Clip``; the modules beside it choose and read weights, decode images,
split texts into tokens, and keep the model fed.
"""

from skyscript_db.clip.model import Clip, choose_device, load

__all__ = ["Clip", "choose_device", "load"]
