"""English singulars and plurals of field names.

Only the last word of a name changes: `user_answer` becomes `user_answers`. Rules plus a table of the
exceptions that occur as field names; a word the rules get wrong still groups and masks consistently,
because both sides of a comparison go through the same rule.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PAIRS = """
analysis analyses  axis axes  basis bases  crisis crises  diagnosis diagnoses  emphasis emphases
hypothesis hypotheses  oasis oases  parenthesis parentheses  synopsis synopses  synthesis syntheses
thesis theses  appendix appendices  index indices  matrix matrices  vertex vertices
criterion criteria  phenomenon phenomena  automaton automata  medium media  bacterium bacteria
curriculum curricula  addendum addenda  erratum errata  spectrum spectra  stratum strata
stimulus stimuli  nucleus nuclei  radius radii  fungus fungi  cactus cacti  syllabus syllabi  alumnus alumni
child children  man men  woman women  person people  foot feet  tooth teeth  goose geese  mouse mice
louse lice  ox oxen  die dice  penny pence
calf calves  elf elves  half halves  knife knives  leaf leaves  life lives  loaf loaves  scarf scarves
self selves  shelf shelves  thief thieves  wife wives  wolf wolves
echo echoes  hero heroes  potato potatoes  tomato tomatoes  torpedo torpedoes  veto vetoes
cache caches  ache aches  niche niches  avalanche avalanches  headache headaches
movie movies  cookie cookies  calorie calories  rookie rookies  selfie selfies  zombie zombies  tie ties
lie lies  pie pies  genie genies  prairie prairies
quiz quizzes  use uses  excuse excuses  abuse abuses  fuse fuses  muse muses
menu menus  guru gurus  tofu tofus  alias aliases  bias biases  canvas canvases  atlas atlases  gas gases
api apis  cli clis  cpu cpus  emoji emojis  gpu gpus  gui guis  kpi kpis  taxi taxis  uri uris
lens lenses  bus buses  plus pluses  iris irises  yes yeses  this these  that those  was were
"""
_SAME = """
advice chaos cosmos data deer economics equipment ethics evidence feedback fish furniture hardware
has hers his homework information its knowledge logistics luggage mathematics metadata moose
news physics politics progress rice salmon series sheep shrimp software species thanks
thinking traffic trivia trout
"""
_UNCOUNTABLE = frozenset(_SAME.split())
_words = _PAIRS.split()
_TO_PLURAL = dict(zip(_words[::2], _words[1::2], strict=True))
_TO_SINGULAR = {many: one for one, many in _TO_PLURAL.items()}

_KEEPS_ES = re.compile(r"(ss|x|sh|ch|[^aeiouz]z|zz)es$")  # classes, boxes, dishes, matches, waltzes
_US_WORD = re.compile(r"[^aeo]uses$")  # statuses, viruses; not causes, houses
_SINGULAR_S = re.compile(r"(ss|us|is)$")  # class, status, analysis
_TAKES_ES = re.compile(r"(s|x|z|sh|ch)$")
_TAKES_IES = re.compile(r"[^aeiou]y$")


def _singular_word(word: str) -> str:
    lower = word.lower()
    if lower in _TO_SINGULAR:
        return _TO_SINGULAR[lower]
    if lower in _TO_PLURAL or lower in _UNCOUNTABLE or len(word) <= 2 or not lower.endswith("s"):
        return word
    if lower.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if _KEEPS_ES.search(lower) or _US_WORD.search(lower):
        return word[:-2]
    if _SINGULAR_S.search(lower):
        return word
    return word[:-1]


def _plural_word(word: str) -> str:
    lower = word.lower()
    if lower in _TO_PLURAL:
        return _TO_PLURAL[lower]
    if not word or lower in _TO_SINGULAR or lower in _UNCOUNTABLE:
        return word
    if _TAKES_IES.search(lower):
        return word[:-1] + "ies"
    return word + ("es" if _TAKES_ES.search(lower) else "s")


@lru_cache(maxsize=4096)
def singular(name: str) -> str:
    """`name` with its last word in the singular: `user_answers` becomes `user_answer`."""
    head, mark, last = name.rpartition("_")
    return head + mark + _singular_word(last)


@lru_cache(maxsize=4096)
def plural(name: str) -> str:
    """`name` with its last word in the plural: `category` becomes `categories`."""
    head, mark, last = name.rpartition("_")
    return head + mark + _plural_word(last)
