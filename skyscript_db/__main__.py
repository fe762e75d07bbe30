"""``python -m skyscript_db`` is ``skyscript``."""

from skyscript_db.cli import main

main()
