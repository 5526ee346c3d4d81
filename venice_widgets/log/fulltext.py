"""How prompts are indexed and how a question is put to the index.

Words are what lies between spaces and punctuation, without case and accents; emoji count as words. Scripts that are
written without spaces (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese) are indexed by the character, and a
question in them is a phrase of characters, so that any part of a sentence is found, two-character words included;
that such a part begins or ends in the middle of a word is not noticed. There is no stemming: ``foxes`` is not ``fox``,
but ``fox*`` finds both.
"""

from __future__ import annotations

import re

_UNSPACED = re.compile(
    "(["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3040-\u30ff\u31f0-\u31ff"  # Japanese kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
    "\uac00-\ud7af"  # Korean syllables
    "\u2600-\u27bf\U0001f000-\U0001faff"  # emoji
    "])"
)
_PIECE = re.compile(r'"([^"]*)"?|(\S+)')


def search_text(prompt: str, enhanced_prompt: str | None) -> str:
    """What is indexed of a run. A change of this function needs a migration that indexes anew."""
    return spaced(f"{prompt}\n{enhanced_prompt}" if enhanced_prompt else prompt)


def spaced(text: str) -> str:
    """The text with spaces around every character that is a token of its own."""
    return text if text.isascii() else _UNSPACED.sub(r" \1 ", text)


def match_query(text: str) -> str | None:
    """The user's words as an FTS5 query: all of them in any order, ``"…"`` as a phrase, ``fox*`` as a beginning.

    Everything is quoted, so that no word of theirs is an operator. None where nothing is asked.
    """
    terms = [_term(phrase or word) for phrase, word in _PIECE.findall(text.replace("\0", " "))]
    return " ".join(filter(None, terms)) or None


def _term(word: str) -> str:
    body = word.rstrip("*").replace('"', " ").strip()
    if not body:
        return ""
    return f'"{spaced(body)}"{"*" if word.endswith("*") else ""}'
