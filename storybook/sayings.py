"""Many ways of saying the same: a grammar by several hands, beside the plain one of `storybook.words`.

Its sentences are how people speak: orders and questions, "we" and "the lens", nouns for verbs, passives, other word
orders, the film set's short forms. A text in braces stands for any of the texts of that name. It knows nothing of the
wordings that are held out (`storybook.held_out`).
"""

import random
import re
from collections.abc import Mapping, Sequence

from storybook.thesaurus import ADJECTIVES, AT, COLOURS, FALLS, LANDMARKS, LIGHTS, PLACES, SKIES, WEATHERS
from storybook.words import FARTHEST, NAMED, tidy
from storybook.world import State

Rules = Mapping[str, tuple[str, ...]]

LIGHT = (
    "make it {light}", "turn it to {light}", "change it to {light}", "change the light to {light}",
    "set the time to {light}", "set it at {light}", "it is {light}", "it is {light} now", "now it is {light}",
    "now {light}", "{light} now", "at {light} now", "we are at {light}", "this time at {light}",
    "the same at {light}", "the same scene at {light}", "as seen at {light}", "let it be {light}",
    "show it at {light}", "show the {lm} at {light}", "show us the scene at {light}", "give it the light of {light}",
    "in the light of {light}", "the light of {light} falls on the {lm}", "could it be {light}?",
    "can we have {light}?", "what about {light}?", "{light}, please", "I want {light}", "we want {light}",
    "we need {light}", "{light} comes", "{light} has come", "{light} arrives", "{light} begins", "{light} is here",
    "it becomes {light}", "soon it is {light}", "later, at {light}", "hours later, at {light}",
    "time passes: {light}", "cut to {light}", "wait until {light}", "we shoot at {light}", "shoot it at {light}",
    "the scene is at {light}", "as {light} comes", "lighting: {light}", "the {lm} at {light}",
    "the {lm} is seen at {light}", "to {light} the light changes", "{sky}", "{sky}", "{sky}", "{sky}", "{sky}",
    "{sky} now", "now {sky}", "see how {sky}", "the same, but {sky}", "and then {sky}", "slowly {sky}",
    "over the {lm} {sky}",
)  # fmt: skip
WEATHER = (
    "make it {adjective}", "make the scene {adjective}", "make the weather {adjective}",
    "the scene is {adjective} now", "it turns {adjective}", "it becomes {adjective}", "it gets {adjective}",
    "it is {adjective} now", "now {adjective}", "a {adjective} scene", "the same in {adjective} weather",
    "{adjective} weather", "with {weather}", "in {weather}", "now in {weather}", "now with {weather}",
    "add {weather}", "add some {weather}", "bring in {weather}", "give us {weather}", "give it {weather}",
    "{weather} comes", "{weather} moves in", "{weather} arrives", "{weather} sets in", "{weather} now",
    "{weather} everywhere", "here comes {weather}", "there is {weather} now", "we get {weather}",
    "we are in {weather}", "let there be {weather}", "the weather turns to {weather}",
    "turn the weather to {weather}", "the {lm} in {weather}", "the {lm} stands in {weather}",
    "can we have {weather}?", "what about {weather}?", "I want {weather}", "we need {weather}", "{weather}, please",
    "everything in {weather}", "{weather} all around the {lm}", "under {weather}", "and now, {weather}",
    "weather: {weather}", "roll {weather}", "we shoot in {weather}", "{falls}", "{falls}", "{falls}", "{falls}",
    "{falls}", "{falls} now", "now {falls}", "see how {falls}", "and then {falls}", "suddenly {falls}",
    "the same, but {falls}", "while we look {falls}",
)  # fmt: skip
CLEARS = (  # said of the weather that was
    "the {was} stops", "{was} ends", "{was} is over", "no more {was}", "without {was}", "take away {was}",
    "remove {was}", "{was} passes", "{was} moves off", "{was} has gone", "stop {was}", "lose {was}", "{was} lifts",
    "{was} clears away", "away with {was}", "drop {was}", "{was} is gone",
)  # fmt: skip
PLACE = (
    "now {at}", "move it {at}", "set it {at}", "put the {lm} {at}", "the {lm} stands {at} now", "the {lm} {at}",
    "the scene is now {at}", "we are {at}", "we find ourselves {at}", "cut to: {at}", "the action moves: {at}",
    "everything is {at} now", "this happens {at}", "the same {lm}, {at}", "this {lm}, but {at}", "could it be {at}?",
    "what if it stood {at}?", "can we go somewhere else: {at}?", "we shoot {at}", "we shoot this one {at}",
    "location: {at}", "new set: {place}", "change the place to {place}", "change the background to {place}",
    "the background becomes {place}", "the background is {place}", "behind the {lm} {place}", "{place} all around",
    "{place} around the {lm}", "the surroundings turn into {place}", "instead of {oldplace} {place}",
    "swap {oldplace} for {place}", "exchange {oldplace} for {place}", "from {oldplace} to {place}",
    "{oldplace} gives way to {place}", "take us to {place}", "take it to {place}", "bring us to {place}",
    "transport it to {place}", "go to {place}", "let us go to {place}", "we see {place} now", "make this {place}",
    "turn the land into {place}", "{place}, not {oldplace}", "where {oldplace} was there is {place}",
)  # fmt: skip
LANDMARK = (
    "swap the {old} for a {lm} here", "exchange the {old} for a {lm}", "trade the {old} for a {lm}",
    "substitute a {lm} for the {old}", "the {old} is replaced by a {lm}", "replace it with a {lm}",
    "put a {lm} there instead of the {old}", "the {old} is gone, a {lm} stands there",
    "where the {old} stood there is now a {lm}", "a {lm} where the {old} was", "a {lm} takes the place of the {old}",
    "a {lm} instead of the {old}", "instead of the {old} a {lm}", "not a {old} but a {lm}",
    "change the {old} into a {lm}", "change the {old} to a {lm}", "transform the {old} into a {lm}",
    "the {old} has become a {lm}", "the {old} changes into a {lm}", "make the {old} a {lm}",
    "make a {lm} of the {old}", "out goes the {old}, in comes a {lm}", "remove the {old} and put a {lm} there",
    "take away the {old}, bring a {lm}", "could the {old} be a {lm}?", "what if the {old} were a {lm}?",
    "can we have a {lm} for the {old}?", "we want a {lm}, not a {old}", "now there is a {lm} here",
    "it is a {lm} now", "now it is a {lm}", "a {lm} rises where the {old} was", "no {old} any more but a {lm}",
    "the {old} gives way to a {lm}", "the {old} vanishes and a {lm} appears",
    "let there be a {lm} in place of the {old}", "a {lm} stands here now", "the {old} is now a {lm}",
    "lose the {old}, we need a {lm}", "from {old} to {lm}", "we see a {lm} there instead",
)  # fmt: skip
COLOUR = (
    "paint it {colour}", "paint the {lm} {colour} now", "repaint the {lm} {colour}", "repaint the {lm} in {colour}",
    "recolour the {lm} {colour}", "colour the {lm} {colour}", "color the {lm} {colour}",
    "make the {lm} {colour} now", "turn the {lm} {colour}", "the {lm} becomes {colour}",
    "the {lm} is painted {colour}", "the {lm} has been painted {colour}", "the {lm} was painted {colour}",
    "{colour} paint on the {lm}", "a coat of {colour} for the {lm}", "its walls are {colour} now",
    "its walls turn {colour}", "its colour changes to {colour}", "change its colour to {colour}",
    "change the {lm} to {colour}", "change the {lm} from {oldcolour} to {colour}", "the {lm} in {colour}",
    "now a {colour} {lm}", "the {oldcolour} {lm} is {colour} now", "the {oldcolour} {lm} becomes {colour}",
    "instead of {oldcolour}, {colour}", "not {oldcolour} but {colour}",
    "the {lm}, no longer {oldcolour} but {colour}", "can the {lm} be {colour}?", "what about a {colour} {lm}?",
    "we need the {lm} in {colour}", "I want the {lm} {colour}", "let the {lm} be {colour}",
    "give the {lm} a {colour} coat", "give the {lm} {colour} walls", "dress the {lm} in {colour}",
    "we paint the {lm} {colour}", "someone paints the {lm} {colour}", "someone has painted it {colour}",
    "the same {lm} in {colour}", "{colour} is the colour of the {lm} now", "the {lm} wears {colour}",
    "make that {lm} {colour}", "the {lm} shall be {colour}",
)  # fmt: skip
SAME = (
    "no change", "leave it as it is", "leave everything as it is", "hold on this", "hold the picture", "as before",
    "the same again", "everything stays", "nothing new", "stay as it is", "keep it as it was", "exactly the same",
    "do not change a thing", "the {lm}, as before", "we stay with the {lm}",
)  # fmt: skip
FRAMES: dict[tuple[str, int], tuple[str, ...]] = {
    ("pan", 2): ("move the whole picture far left", "put everything far over to the left", "the {lm} lies far left"),
    ("pan", 1): ("move the whole picture a bit left", "put everything a bit to the left", "the {lm} lies a bit left"),
    ("pan", -1): (
        "move the whole picture a bit right",
        "put everything a bit to the right",
        "the {lm} lies a bit right",
    ),
    ("pan", -2): (
        "move the whole picture far right",
        "put everything far over to the right",
        "the {lm} lies far right",
    ),
    ("tilt", 1): ("move the whole picture down", "put everything further down", "the {lm} lies lower"),
    ("tilt", -1): ("move the whole picture up", "put everything further up", "the {lm} lies higher"),
    ("zoom", 1): ("enlarge everything", "everything bigger", "make the {lm} bigger with all the rest"),
    ("zoom", -1): ("shrink everything", "everything tinier", "make the {lm} tinier with all the rest"),
}

SUBJECT = (
    "the camera", "the camera", "the camera", "the view", "the shot", "the frame", "our view", "our eye",
    "the operator",
)  # fmt: skip
HOW = ("", "", "", "", "slowly ", "gently ", "smoothly ", "softly ", "steadily ", "now ")
SLOW = ("", "", "slow ", "gentle ", "smooth ", "soft ", "steady ")
TURN = ("pan", "swing", "turn", "swivel", "look", "rotate", "sweep", "veer")
SLIDE = ("track", "truck", "slide", "drift", "glide", "move", "step", "shift", "float", "travel")
STEER = ("tilt", "look", "crane", "boom", "angle", "pedestal", "point", "go", "move")
RISE = ("rise", "climb", "ascend", "lift", "soar")
SINK = ("sink", "drop", "descend", "dip")
NEAR = ("push in", "move in", "zoom in", "dolly in", "go in", "close in", "creep in", "track in", "home in")
COME = ("come", "get", "move", "step", "go", "draw", "inch", "creep")
LEAVE = (
    "pull back", "pull away", "pull out", "back off", "move back", "move away", "retreat", "withdraw", "draw back",
    "step back", "dolly out", "zoom out", "go back", "track back",
)  # fmt: skip

DOING = (  # of any verb: we {do}, it {does}, {doing}
    "{subject} {how}{does}", "{subject} {how}{does}", "{subject} {how}{does}", "{subject} is {doing}", "we {how}{do}",
    "we are {doing}", "{doing}", "{how}{do} with the camera", "could we {do}?", "let us {do}", "let the camera {do}",
    "let the lens {do}", "the lens begins to {do}", "through the lens we {do}", "I want to {do}",
    "have the camera {do}", "{subject} begins to {do}", "make the camera {do}", "we {do} until more comes into view",
    "{subject} {does}, and we see more",
)  # fmt: skip
ASIDE = (
    *DOING, "{toward} {subject} {sides}", "{toward} we {side}", "a {slow}{side} {toward}",
    "with a {slow}{side} {toward}", "{subject} {sides} {to}, past the {lm}", "{subject} {sides} away {toward}",
)  # fmt: skip
TURNED = (
    *ASIDE, "{subject} is turned {to}", "show what lies far {toward}", "look over {toward}",
    "what is {toward} comes into view", "the {lm} goes far over {otherward}",
)  # fmt: skip
SLID = (
    *ASIDE, "{subject} is moved a little {to}", "show a little more {toward}", "a sideways move {toward}",
    "lateral move {toward}", "the {lm} goes a little {otherward}",
)  # fmt: skip
UP = (
    *DOING, "we {rise} above the {lm}", "{subject} {rises}", "a {slow}{steer} up", "up {subject} {steers}",
    "up we {steer}", "up to the sky", "higher with the camera", "show more of the sky", "more sky",
    "{subject} is raised", "raise the camera", "raise the view", "we look at the sky",
    "{subject} {steers} up, over the {lm}", "{subject} {steers} up to the sky",
)  # fmt: skip
DOWN = (
    *DOING, "we {sink} below the {lm}", "{subject} {sinks}", "a {slow}{steer} down", "down {subject} {steers}",
    "down we {steer}", "down to the ground", "lower with the camera", "show more of the ground", "more ground",
    "{subject} is let down", "lower the camera", "lower the view", "we look at the ground",
    "{subject} {steers} down, below the {lm}", "{subject} {steers} down to the ground",
)  # fmt: skip
CLOSER = (
    *DOING, "{subject} {nears} on the {lm}", "we {near} on the {lm}",
    "{subject} {comes} closer", "{subject} {comes} closer to the {lm}", "{subject} {comes} nearer to the {lm}",
    "we {come} closer", "we {come} nearer", "we {come} closer to the {lm}", "{come} closer to the {lm}",
    "{come} nearer", "a closer look at the {lm}", "a closer view", "a tighter shot", "a tighter frame on the {lm}",
    "a close shot of the {lm}", "close up on the {lm}", "nearer to the {lm}", "closer now", "from closer up",
    "the {lm} from nearby", "{subject} approaches the {lm}", "we approach the {lm}", "toward the {lm}",
    "we walk toward the {lm}", "{subject} tightens on the {lm}", "tighten the shot", "tighter on the {lm}",
    "a {slow}push toward the {lm}", "a {slow}zoom in", "a {slow}move in", "{subject} is brought closer",
    "the {lm} fills more of the frame", "forward to the {lm}", "we advance on the {lm}",
)  # fmt: skip
FARTHER = (
    *DOING, "{subject} {leaves} from the {lm}", "we {leave} from the {lm}", "{leave} from the {lm}", "a wider shot",
    "a wider view", "a wider view of the {lm}", "a wider frame", "widen the shot", "widen the view",
    "{subject} widens", "go wider", "wider now", "a long shot", "from farther away", "from further away",
    "from a distance", "the {lm} from far away", "farther from the {lm}", "more of the surroundings",
    "show more around the {lm}", "a {slow}pull back", "a {slow}zoom out", "a {slow}move back",
    "{subject} is taken back", "the {lm} gets smaller in the frame", "away from the {lm}",
    "we see it from further back", "open up the frame", "{subject} opens up to a wider view",
)  # fmt: skip
CAPTIONS = (
    "{a} {at}, {when}, {wx}", "{when}, {a} {at}, {wx}", "{at}, {when}: {a}, {wx}", "we see {a} {at}, {when}, {wx}",
    "there is {a} {at}, {wx}, {when}", "there stands {a} {at}, {when}, {wx}", "a view of {a} {at}, {wx}, {when}",
    "an establishing shot of {a} {at}, {when}, {wx}", "the lens shows {a} {at}, {wx}, {when}",
    "{wx}, {when}, {a} {at}", "{when} {at}, {wx}, {a}", "the scene: {a}, {at}, {when}, {wx}",
    "our story opens {at}, {when}, on {a}, {wx}", "show me {a} {at}, {when}, {wx}",
    "I would like {a} {at}, {wx}, {when}", "{a}. {place}. {light}. {wx}", "ext. {place}, {light}. {a}, {wx}",
    "a picture of {place} with {a}, {when}, {wx}", "{place} with {a}, {wx}, {when}",
    "{a} in front of {place}, {when}, {wx}", "photo of {a} {at}, {when}, {wx}",
)  # fmt: skip
WHEN = ("at {light}", "in {light}", "{sky}", "while {sky}", "it is {light}", "as {sky}", "during {light}")
WX = (
    "in {weather}",
    "with {weather}",
    "{falls}",
    "while {falls}",
    "it is {adjective}",
    "{adjective} weather",
    "{weather}",
)
SPOTS: dict[tuple[str, int], tuple[str, ...]] = {
    ("pan", -2): ("far to the right", "far over on the right", "at the right of the frame"),
    ("pan", -1): ("a little to the right", "right of the middle", "a bit to the right"),
    ("pan", 1): ("a little to the left", "left of the middle", "a bit to the left"),
    ("pan", 2): ("far to the left", "far over on the left", "at the left of the frame"),
    ("tilt", -1): ("high in the picture", "high up in the frame"),
    ("tilt", 1): ("low in the picture", "low down in the frame"),
    ("zoom", -1): ("small", "seen from afar", "rather small"),
    ("zoom", 1): ("large", "seen from close by", "rather large"),
}
JOINS = (", ", ", ", " and ", " and ", "; ", " while ", ". ", ", then ", " as ", " and now ")


def caption(state: State, chance: random.Random) -> str:
    """What is to be seen, as anybody might say it."""
    spots = [chance.choice(SPOTS[axis, step]) for axis in FARTHEST if (step := getattr(state, axis))]
    a = "a {colour} {lm}" + (f", {' and '.join(spots)}" if spots else "")
    weather = WX if state.weather != "clear" else ("", *WX)
    return tidy(_said("{caption}", {**rules(state, state), "a": (a,), "wx": weather}, chance), chance)


def change(before: State, after: State, chance: random.Random, camera: bool) -> str:
    """What is to change, as anybody might say it; how the framing changes, in the camera's words or in the base's."""
    said = []
    for axis in FARTHEST:
        if step := getattr(after, axis) - getattr(before, axis):
            moved = move_rules(after, axis, step) if camera else rules(before, after) | {"move": FRAMES[axis, step]}
            said.append(_said("{move}", moved, chance))
    named = [name for name in NAMED if getattr(before, name) != getattr(after, name)]
    said += [_said(f"{{new_{name}}}", rules(before, after), chance) for name in named]
    if not said:
        said = [_said("{same}", rules(before, after), chance)]
    elif len(said) > 1:
        chance.shuffle(said)
        said = [text.rstrip("?") for text in said]
    return tidy("".join(text + chance.choice(JOINS) for text in said[:-1]) + said[-1], chance)


def rules(before: State, after: State) -> dict[str, tuple[str, ...]]:
    """All that may be said of a change, by name; of the camera, see `move_rules`."""
    clears = CLEARS if before.weather != "clear" == after.weather else ()
    return {
        "lm": LANDMARKS[after.landmark], "old": LANDMARKS[before.landmark],
        "colour": COLOURS[after.colour], "oldcolour": COLOURS[before.colour],
        "place": PLACES[after.place], "oldplace": PLACES[before.place], "at": AT[after.place],
        "light": LIGHTS[after.light], "sky": SKIES[after.light], "was": WEATHERS[before.weather],
        "weather": WEATHERS[after.weather], "falls": FALLS[after.weather], "adjective": ADJECTIVES[after.weather],
        "new_light": LIGHT, "new_weather": WEATHER + clears * 2, "new_place": PLACE, "new_landmark": LANDMARK,
        "new_colour": COLOUR, "same": SAME, "caption": CAPTIONS, "when": WHEN, "wx": WX,
    }  # fmt: skip


def move_rules(after: State, axis: str, step: int) -> dict[str, tuple[str, ...]]:
    """All that may be said of a move of the camera that leads here."""
    common = {"lm": LANDMARKS[after.landmark], "subject": SUBJECT, "how": HOW, "slow": SLOW}
    if axis == "pan":
        return common | _aside(step)
    if axis == "tilt":
        way, name, verbs, move = ("up", "rise", RISE, UP) if step > 0 else ("down", "sink", SINK, DOWN)
        steered = tuple(f"{verb} {way}" for verb in STEER)
        return common | {"move": move} | _verb("do", verbs + steered) | _verb(name, verbs) | _verb("steer", STEER)
    if step > 0:
        return common | {"move": CLOSER} | _verb("do", NEAR) | _verb("near", NEAR) | _verb("come", COME)
    return common | {"move": FARTHER} | _verb("do", LEAVE) | _verb("leave", LEAVE)


def _aside(step: int) -> dict[str, tuple[str, ...]]:
    side, other = ("right", "left") if step > 0 else ("left", "right")
    verbs, move = (TURN, TURNED) if abs(step) > 1 else (SLIDE, SLID)
    ends = (side, f"to the {side}", f"{side}ward", f"{side}wards")
    toward = (f"to the {side}", f"toward the {side}", f"on the {side}", f"off to the {side}")
    did = _verb("do", tuple(f"{verb} {end}" for verb in verbs for end in ends))
    where = {"to": ends, "toward": toward, "otherward": (f"to the {other}", f"over to the {other}")}
    return {"move": move} | where | did | _verb("side", verbs)


def _verb(name: str, verbs: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Verbs as they follow "we", as they follow "it", and as what is being done: `do`, `does`, `doing`."""
    third, doing = ("does", "doing") if name == "do" else (f"{name}s", f"{name}ing")
    return {name: tuple(verbs), third: tuple(map(_third, verbs)), doing: tuple(map(_doing, verbs))}


def _third(verb: str) -> str:
    word, _, rest = verb.partition(" ")
    if word.endswith("ly"):
        word = word[:-1] + "ie"
    return f"{word}{'es' if word.endswith(('sh', 'ch', 'o')) else 's'} {rest}".strip()


def _doing(verb: str) -> str:
    word, _, rest = verb.partition(" ")
    word = word[:-1] if word.endswith("e") else word
    if re.search(r"[^aeiou][aeiou][nlptd]$", word):
        word += word[-1]
    return f"{word}ing {rest}".strip()


def _said(text: str, rules: Rules, chance: random.Random) -> str:
    while "{" in text:
        text = re.sub(r"\{(\w+)\}", lambda found: chance.choice(rules[found[1]]), text)
    return text
