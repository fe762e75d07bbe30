"""Write word_tokens.csv: CLIP's token count of each word that captions are made of.

Run it after a change of tag_label.csv, caption_rule.csv, caption_word.csv or the
grammar's own words:

    python db/reference/make_word_tokens.py

The counts are those of open_clip's tokenizer, so that SQL can keep captions within
CLIP's 77 tokens without it. A test compares the file with the tokenizer.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

FOLDER = Path(__file__).parent
GRAMMAR = """
surrounded by with and of two three four five several many a an satellite aerial image
view
in on at the to its it between beside along joined crossed around nearby next alongside
across edge edges another other north east south west northern eastern southern western
roof
"""


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a reference file."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def texts() -> list[str]:
    """Return all that captions can be made of, singular and plural."""
    rules, labels = rows("caption_rule"), rows("tag_label")
    nouns = [
        word
        for row in rows("caption_word")
        for word in (row["one"], row["many"], row["preposition"])
    ]
    values = [row["value"] for row in labels if row["max_gsd_m"]]
    words = [word for row in rules for word in (row["word"], row["plural"])]
    return [GRAMMAR, *words, *nouns, *values, *map(plural, values)]


def plural(noun: str) -> str:
    """Return the regular plural; ``skyscript.plural`` does the same in SQL."""
    if re.search("(s|x|z|ch|sh)$", noun):
        return f"{noun}es"
    return re.sub("y$", "ies", noun) if re.search("[^aeiou]y$", noun) else f"{noun}s"


def words() -> list[str]:
    """Return the distinct words, in order."""
    return sorted(set(re.findall(r"[^\W\d_]+", " ".join(texts()).lower())))


def main() -> None:
    """Write the file beside this one."""
    from open_clip.tokenizer import SimpleTokenizer  # noqa: PLC0415 - imports torch

    tokenizer = SimpleTokenizer()
    with (FOLDER / "word_tokens.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["word", "n_tokens"])
        writer.writerows([word, len(tokenizer.encode(word))] for word in words())


if __name__ == "__main__":
    main()
