"""Which tags can be seen from above, learned from labels.

``encoders`` makes vectors of tags, ``train`` learns a classifier from the labels,
``score`` has PostgreSQL judge the tags by it, ``evaluate`` says how far to trust it,
and ``verdicts`` explains, lists and overrides.
"""
