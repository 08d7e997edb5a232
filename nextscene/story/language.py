"""What words ask for, read by rules: camera moves, light, weather, and what is to be seen.

A prompt goes in, a `Reading` comes out. A reading is *whole* if the rules understood every word of it. Of words
that are only half understood little is believed: a rule says nothing rather than something wrong.
The lists are here once; advice searches them more freely, because it only warns.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

MOVES = {  # camera words, by where they take the camera
    "left": r"pans? left|panning left|tracks? left|moves? left",
    "right": r"pans? right|panning right|tracks? right|moves? right",
    "up": r"tilts? up|tilting up|cranes? up|shifts? up|camera rises",
    "down": r"tilts? down|tilting down|cranes? down|shifts? down|camera descends",
    "closer": r"doll(?:y|ies) (?:in|forward)|push(?:es)? (?:in|through)|moves? (?:closer|forward)|zooms? (?:in|to)",
    "farther": r"doll(?:y|ies) (?:out|back)|pulls? (?:back|out|away)|moves? back|zooms? out",
}
OPPOSITES = [("left", "right"), ("up", "down"), ("closer", "farther")]
LIGHTS = {
    "day": r"noon|midday|daylight|broad day",
    "dawn": r"dawn|sunrise|sun rises|morning",
    "dusk": r"dusk|sunset|sun sets|evening|twilight",
    "night": r"night|midnight|moonlight|starlight",
}
WEATHERS = {"fog": r"fog|mist", "rain": r"rain|storm", "snow": r"snow|blizzard", "clear": r"clear sky|sunny|cloudless"}
PLACES = {
    "sea": r"sea|seaside|beach|shore|coast|ocean",
    "desert": r"desert|dunes",
    "forest": r"forest|woods",
    "city": r"city|town",
    "village": r"village",
    "mountains": r"mountains",
    "harbour": r"harbou?r|port|docks?",
    "river": r"river|riverbank",
    "lake": r"lake|lakeside",
    "field": r"fields?|meadow",
    "garden": r"garden",
    "park": r"park",
}
SUBJECTS = {
    "house": r"house|cottage",
    "tower": r"tower|watchtower",
    "windmill": r"windmill|mill",
    "balloon": r"(?:hot-air )?balloon",
    "lighthouse": r"lighthouse",
    "castle": r"castle",
    "church": r"church|chapel",
    "cathedral": r"cathedral",
    "bridge": r"bridge",
    "boat": r"boat",
    "ship": r"ship",
    "train": r"train",
    "woman": r"woman",
    "man": r"man",
    "girl": r"girl",
    "boy": r"boy",
    "dog": r"dog",
    "cat": r"cat",
    "horse": r"horse",
}
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "grey", "gray", "white")

ANSWERS: Mapping[str, tuple[str, ...]] = {  # what may be seen of each kind
    "light": tuple(LIGHTS),
    "weather": tuple(WEATHERS),
    "place": tuple(PLACES),
    "subject": tuple(SUBJECTS),
    "colour": tuple(colour for colour in COLOURS if colour != "gray"),
}

WIDE_MOVE, SMALL_MOVE = 2, 1  # steps to a side: a pan goes farther than a track


@dataclass(frozen=True)
class Reading:
    """What a prompt says.

    whole: whether every word of it was understood.
    moves: where the camera goes, in steps by axis (see `state.Camera`).
    sights: what it names by kind: light, weather, place, subject, colour.
    """

    whole: bool
    moves: Mapping[str, int] = field(default_factory=dict)
    sights: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=1000)
def read(prompt: str) -> Reading:
    """What a prompt says, as far as the rules understand it."""
    words = plain(prompt)
    said = _parse(words)
    if said is None:
        return Reading(False, sights=_surely_named(words))
    moves: dict[str, int] = {}
    sights: dict[str, str] = {}
    for kind, value in said:
        if isinstance(value, int):
            if kind in moves:
                return Reading(False)  # two moves of one kind: where the camera ends is not sure
            moves[kind] = value
        elif sights.setdefault(kind, value) != value:
            return Reading(False)  # two lights or weathers: which of them the picture shall show is not sure
    return Reading(True, moves, sights)


def plain(prompt: str) -> str:
    """A prompt's words without "Next Scene:", in small letters, with single spaces."""
    words = prompt.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return re.sub(r"\s+", " ", re.sub(r"^(?:\s*next[\s_-]*scene\s*:)+", "", words)).strip()


@dataclass(frozen=True)
class _Rule:
    """Words, and what they say: a kind and its value; of filling words neither."""

    pattern: re.Pattern[str]
    kind: str = ""
    value: int | str = ""

    def says(self, found: re.Match[str]) -> Iterator[tuple[str, int | str]]:
        groups = found.groupdict()
        if isinstance(self.value, int):
            yield self.kind, self.value * int(groups.get("degrees") or 1)
        elif self.kind:
            yield self.kind, self.value
        if groups.get("colour"):
            yield "colour", groups["colour"]


def _parse(words: str) -> list[tuple[str, int | str]] | None:
    """All that the words say, phrase after phrase; None if a single one is not understood."""
    said: list[tuple[str, int | str]] = []
    at = 0
    while at < len(words):
        found = [(match.end(), rule, match) for rule in RULES if (match := rule.pattern.match(words, at))]
        if not found:
            return None
        at, rule, match = max(found, key=lambda each: each[0])
        said += rule.says(match)
    return said


_SIDES = {"left": -1, "right": 1}
_HEIGHTS = {"up": 1, "down": -1}
_HOW = r"(?:(?:very )?(?:slowly|gently|smoothly|steadily|gradually) )?"
_WHO = rf"(?:(?:(?:the |our )?camera|we) (?:is |are |(?:starts|begins) (?:to )?)?|let the camera )?{_HOW}"
_IT = r"(?: the camera)?(?: (?:slowly|gently|smoothly|steadily))?"
_TO = r"(?:to(?:wards?)? the |towards? )?"
_A = r"(?:an? |the )?(?:(?:slow|gentle|smooth|steady) )*"
_WIDE = r"pan(?:s|ning)?"
_SMALL = r"track(?:s|ing)?|truck(?:s|ing)?|slid(?:es?|ing)"
_CLOSER = (
    rf"(?:push(?:es|ing)?{_IT} in|(?:mov(?:es?|ing)|com(?:es?|ing)|gets?|getting){_IT} (?:in )?(?:closer|nearer)"
    rf"|(?:mov(?:es?|ing)|doll(?:y|ies|ying)){_IT} forwards?|(?:doll(?:y|ies|ying)|zoom(?:s|ing)?){_IT} in)"
)
_FARTHER = (
    rf"(?:pull(?:s|ing)?{_IT} (?:back|out|away)|mov(?:es?|ing){_IT} (?:back(?:wards?)?|away)"
    rf"|doll(?:y|ies|ying){_IT} (?:out|back(?:wards?)?)|zoom(?:s|ing)?{_IT} out)"
)


def _camera_rules() -> Iterator[_Rule]:
    for side, sign in _SIDES.items():
        way = rf"{_TO}{side}(?:wards?)?"
        for verb, noun, steps in ((_WIDE, "pan", WIDE_MOVE), (_SMALL, "tracking shot", SMALL_MOVE)):
            yield _rule(rf"(?:{_WHO}(?:{verb}){_IT} |{_A}{noun} ){way}", "pan", sign * steps)
        degrees = rf"{_IT}(?: by)? (?P<degrees>\d{{1,3}})(?: degrees|°)"
        yield _rule(rf"{_WHO}rotat(?:es?|ing){degrees} {way}", "turn", sign)
    for height, sign in _HEIGHTS.items():
        way = rf"{height}(?:wards?)?"
        yield _rule(
            rf"(?:{_WHO}tilt(?:s|ing)?{_IT}|{_A}tilt|(?:the )?angle (?:shifts|moves|tilts)) {way}", "tilt", sign
        )
    for pattern, sign in ((_CLOSER, 1), (_FARTHER, -1)):
        yield _rule(_WHO + pattern, "zoom", sign)
    for lens in ("wide", "close"):
        yield _rule(rf"(?:(?:turn|switch){_IT} to |with )?an? {lens}(?:-angle|-up) lens", "lens", lens)


_BECOMES = r"(?:it (?:is|becomes|turns)(?: now)?|(?:make|turn) it(?: to| into)?|now)"
_TIMES = {  # nouns; what happens in the sky
    "dawn": (r"dawn|daybreak|sunrise|morning", r"the sun (?:rises|is rising|comes up)|dawn breaks|dawn is breaking"),
    "day": (r"noon|midday|daytime", r"daylight comes|(?:now )?in (?:broad |full )?daylight"),
    "dusk": (r"dusk|sunset|evening|twilight", r"the sun (?:sets|is setting|goes down)"),
    "night": (
        r"night|midnight|nighttime",
        r"it (?:gets|grows|becomes|turns|is getting) dark|darkness falls|(?:now )?in the dark"
        r"|under (?:a|the) (?:night|starry) sky",
    ),
}
_THE = r"(?:the )?(?:(?:heavy|pouring|falling|light|thick|dense|rolling|drifting) )*"
_STARTS = r"(?:starts|begins|is starting|is beginning)"
_COMES = r"(?:falls|is falling|falling|sets in|comes down|comes in|is coming down|starts to fall|begins to fall)"


def _sky_rules() -> Iterator[_Rule]:
    for value, (noun, happens) in _TIMES.items():
        noun = rf"(?:{noun})"
        yield _rule(
            rf"at {noun}|{_BECOMES} (?:at )?{noun}(?: now)?|{noun} (?:comes|falls|arrives)|{happens}", "light", value
        )
    for value, noun in (("dawn", "morning"), ("dusk", "evening")):
        light = rf"(?:in )?(?:the )?(?:(?:soft|warm|golden|pale|low) )*{noun} light"
        yield _rule(light, "light", value)
    for value in ("rain", "snow"):
        verb = rf"(?:{value}s|is {value}ing(?: now)?|{_STARTS} (?:to {value}|{value}ing)|{value}s)"
        yield _rule(rf"it {verb}|make it {value}|in {_THE}{value}|{_THE}{value} {_COMES}", "weather", value)
    rolls = r"(?:rolls? in|rolling in|is rolling(?: in)?|comes in|sets in|settles|falls)"
    yield _rule(rf"{_THE}(?:fog|mist) {rolls}|in {_THE}(?:fog|mist)|{_BECOMES} foggy", "weather", "fog")
    clear = r"(?:the )?(?:sky|skies|weather) (?:clears?|is clearing)(?: up)?|make the weather clear"
    under = r"(?:under )?(?:a )?(?:clear|cloudless) (?:sky|skies)|(?:in )?clear weather"
    yield _rule(rf"{clear}|{under}", "weather", "clear")


_WHERE = r"by|at|on|in|near|below|above|beside|among|over|of|to|towards?|around|along|across|revealing|showing"
_PAINTED = rf"(?:(?P<colour>{'|'.join(COLOURS)}) )?"
_FILLING = (
    r"[ ,.;:!]+|(?:and|then|as|while|now|again|next|meanwhile)\b"
    r"|revealing more(?: of (?:the |this |its )?(?:scene|view|place|picture|surroundings))?"
    r"|(?:the |this )?same (?:scene|view|place|picture|shot)(?: as before)?"
    r"|(?:keep |keeping )everything(?: else)?(?: as it is| as it was| the same| unchanged)"
    r"|nothing(?: else)? changes|change nothing(?: else)?|everything else stays(?: the same| as it is)?"
    r"|over everything"
)


def _other_rules() -> Iterator[_Rule]:
    for kind, names in (("place", PLACES), ("subject", SUBJECTS)):
        for value, noun in names.items():
            yield _rule(rf"(?:(?:{_WHERE}) )?(?:the|our) {_PAINTED}(?:{noun})", kind, value)
    yield _rule(_FILLING)


def _rule(pattern: str, kind: str = "", value: int | str = "") -> _Rule:
    return _Rule(re.compile(rf"(?:{pattern})(?![\w'-])" if kind else pattern), kind, value)


RULES = (*_camera_rules(), *_sky_rules(), *_other_rules())

# Words after which a light or a weather need not be there.
_DOUBTFUL = (
    r"no|not|never|n't|without|before|after|until|since|stops?|ends?|fad(?:es?|ing)|lifts?|lifting|clears|turns|becomes"
    r"|like|as if|almost|memor(?:y|ies)|remembers?|dreams?|imagines?|poster|painting|photo(?:graph)?|sign|called|named"
    r"|from|through|last|gone|instead|replaced?|swap|film|movie|story"
)
_ENDS = (
    r"(?=$|[,.;:!]| (?:and|as|while|over|in|on|by|at|under|below|near|with|among|beside|is|are|stands?|sits?|lies)\b)"
)


def _surely_named(words: str) -> Mapping[str, str]:
    """What words that are only half understood name beyond doubt: of each kind one thing, and nothing denies it."""
    if re.search(rf"\b(?:{_DOUBTFUL})\b|n't\b", words):
        return {}
    found: dict[str, set[str]] = {kind: set() for kind in ("light", "weather", "place", "subject", "colour")}
    for rule in RULES:
        if rule.kind in ("light", "weather") and re.search(rf"\b(?:{rule.pattern.pattern}){_ENDS}", words):
            found[rule.kind].add(str(rule.value))
    for value, noun in PLACES.items():
        if re.search(rf"\b(?:by|at|on|in|near|below|beside|among) the (?:{noun}){_ENDS}", words):
            found["place"].add(value)
    for value, noun in SUBJECTS.items():
        for match in re.finditer(rf"\b(?:an?|one) {_PAINTED}(?:{noun}){_ENDS}", words):
            found["subject"].add(value)
            found["colour"].add(match["colour"] or "")
    if len(found["subject"]) != 1:
        found["colour"] = set()
    sure = {kind: values.pop() for kind, values in found.items() if len(values) == 1}
    for kind, every in (("light", LIGHTS), ("weather", WEATHERS)):
        loosely = {value for value, pattern in every.items() if re.search(rf"\b(?:{pattern})\b", words)}
        if loosely - {sure.get(kind)}:  # another one is named somewhere, in words that the rules do not understand
            sure.pop(kind, None)
    return {kind: value for kind, value in sure.items() if value}
