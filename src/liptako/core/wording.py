"""Text as people look for it: without accents, in small letters, Sahel letters as plain ones.

Whoever types `kelema` finds `kɛ̀lɛma`, `Segou` finds `Ségou`, and `coeur` finds `cœur`.
"""

import re
import unicodedata

_PLAIN = str.maketrans(
    {
        "œ": "oe", "æ": "ae", "ø": "o", "ı": "i", "’": "'", "ʼ": "'",
        "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y",  # Hausa, Fulfulde
        "ɛ": "e", "ɔ": "o", "ɲ": "n", "ŋ": "n",  # Bambara, Songhay, Tamasheq
        "ə": "e", "ǝ": "e", "ɣ": "g", "ɩ": "i", "ʋ": "u",  # Tamasheq, Mooré
    }
)  # fmt: skip
_WORD = re.compile(r"\w+")


def folded(text: str) -> str:
    """Return a text in small letters and without accents (Unicode NFKD without its marks)."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return bare.translate(_PLAIN)


def words_of(text: str) -> list[str]:
    """Return the words of a text in order, folded; signs between them are left out."""
    return _WORD.findall(folded(text))
