"""Languages as BCP 47 tags. Pure."""

import unicodedata

LANGUAGES = {
    "english": "en",
    "anglais": "en",
    "français": "fr",
    "french": "fr",
    "bilingual": "mul",
    "bilingue": "mul",
    "chinese": "zh",
    "中文": "zh",
    "汉语": "zh",
    "英文": "en",
    "英语": "en",
    "双语": "mul",
}


def language_tag(text: str) -> str:
    """A language as a BCP 47 tag; `mul` for several, `und` where none is stated or the text is not understood."""
    word = unicodedata.normalize("NFC", text).strip().lower()
    if word in LANGUAGES:
        return LANGUAGES[word]
    first, *rest = word.split("-")
    wellformed = first.isascii() and first.isalpha() and 2 <= len(first) <= 3
    return word if wellformed and all(part.isascii() and part.isalnum() for part in rest) else "und"
