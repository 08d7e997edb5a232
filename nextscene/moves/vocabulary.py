"""The words that planned motion knows: verbs and what they do, numbers, directions, colours. Only tables."""

from typing import Literal

Motion = Literal[
    "still", "line", "arc", "bounce", "roll", "slide", "drift", "float", "fall", "orbit", "pendulum", "spin", "grow",
    "shrink", "enter", "leave", "path",
]  # fmt: skip
# Each motion, with the verbs that ask for it.
VERBS: dict[Motion, tuple[str, ...]] = {
    "still": ("stay", "stand", "rest", "wait", "stop", "pause", "remain", "sit", "lie", "halt"),
    "line": ("move", "go", "travel", "run", "walk", "drive", "sail", "fly", "pass", "cross", "rise", "climb", "ascend",
             "descend", "sink", "come", "shoot", "dash", "race", "march", "crawl", "creep", "push", "pull", "lift"),
    "arc": ("jump", "leap", "hop", "throw", "toss", "lob", "arc", "skip"),
    "bounce": ("bounce",),
    "roll": ("roll", "tumble"),
    "slide": ("slide", "glide", "skate", "slip", "skid"),
    "drift": ("drift", "waft", "wander"),
    "float": ("float", "bob", "hover"),
    "fall": ("fall", "drop", "plunge"),
    "orbit": ("orbit", "circle", "revolve"),
    "pendulum": ("swing", "sway", "dangle"),
    "spin": ("spin", "rotate", "turn", "twirl", "whirl", "flip"),
    "grow": ("grow", "swell", "inflate", "expand", "appear"),
    "shrink": ("shrink", "dwindle", "deflate", "contract", "disappear", "vanish"),
    "enter": ("enter", "arrive"),
    "leave": ("leave", "exit", "depart"),
    "path": ("follow",),
}  # fmt: skip
IRREGULAR = {
    "went": "go", "ran": "run", "drove": "drive", "flew": "fly", "flown": "fly", "rose": "rise", "risen": "rise",
    "sank": "sink", "sunk": "sink", "came": "come", "shot": "shoot", "crept": "creep", "leapt": "leap",
    "threw": "throw", "thrown": "throw", "slid": "slide", "fell": "fall", "fallen": "fall", "swung": "swing",
    "spun": "spin", "grew": "grow", "grown": "grow", "shrank": "shrink", "shrunk": "shrink", "stood": "stand",
    "sat": "sit", "lay": "lie", "lying": "lie",
}  # fmt: skip
UPWARDS, DOWNWARDS = {"rise", "climb", "ascend", "lift"}, {"descend", "sink"}  # what says where to by itself
POPPING = {"appear", "disappear", "vanish"}  # from nothing, or to nothing
FROM_MOTIONS = {"line", "roll", "slide", "drift", "float"}  # which may also enter and leave the picture
CAMERA: dict[tuple[str, str], str] = {
    ("pan", "left"): "pan_left", ("pan", "right"): "pan_right", ("tilt", "up"): "tilt_up",
    ("tilt", "down"): "tilt_down", ("zoom", "in"): "push_in", ("zoom", "out"): "pull_out",
    ("push", "in"): "push_in", ("pull", "out"): "pull_out", ("pull", "back"): "pull_out",
    ("move", "left"): "pan_left", ("move", "right"): "pan_right", ("move", "up"): "tilt_up",
    ("move", "down"): "tilt_down", ("move", "in"): "push_in", ("move", "closer"): "push_in",
    ("move", "out"): "pull_out", ("move", "away"): "pull_out",
}  # fmt: skip
DIRECTIONS: dict[str, tuple[float, float]] = {
    "left": (-1, 0), "leftwards": (-1, 0), "leftward": (-1, 0), "right": (1, 0), "rightwards": (1, 0),
    "rightward": (1, 0), "up": (0, -1), "upwards": (0, -1), "upward": (0, -1), "down": (0, 1), "downwards": (0, 1),
    "downward": (0, 1),
}  # fmt: skip
SIDES = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "above": (0, -1), "bottom": (0, 1), "below": (0, 1)}
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_LARGE = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBERS = {word: value for value, word in enumerate(_SMALL)} | {
    "no": 0, "never": 0, "couple": 2, "pair": 2, "few": 3, "several": 4, "dozen": 12,
}  # fmt: skip
TENS = {word: 10 * value for value, word in enumerate(_LARGE, 2)}
TIMES = {"once": 1, "twice": 2, "thrice": 3}
ARTICLES = {"a", "an", "the", "this", "that", "its", "his", "her", "my", "our", "their", "some", "another", "these"}
PRONOUNS = {"it", "they", "he", "she", "which", "who", "both"}
PREPOSITIONS = {
    "on", "in", "at", "over", "near", "by", "with", "from", "under", "inside", "along", "across", "behind", "into",
    "onto", "above", "below", "beside", "beneath", "against", "through", "around", "toward", "towards", "for",
    "between",
}  # fmt: skip
EMPTY_VERBS = {
    "is", "are", "was", "were", "be", "been", "will", "to", "starts", "start", "begins", "begin", "keeps", "keep",
    "continues", "continue", "makes", "make", "does", "do", "takes", "take", "gives", "also", "just", "now", "then",
    "gently", "back", "quickly", "slowly", "being", "gets", "get", "has", "have",
}  # fmt: skip
# Verbs that may be said of somebody who moves something: "a boy throws a red ball".
PASSED_ON = {
    "throw", "toss", "lob", "push", "pull", "lift", "drop", "roll", "spin", "bounce", "slide", "swing", "flip",
    "rotate",
}  # fmt: skip
NO_THINGS = {
    "time", "times", "turn", "turns", "lot", "bit", "little", "while", "corner", "quarter", "half", "full", "circle",
}  # fmt: skip
MANNERS = EMPTY_VERBS | set(DIRECTIONS) | {
    "forth", "again", "in", "place", "around", "about", "away", "off", "out", "little", "slightly", "far", "halfway",
    "across", "clockwise", "counterclockwise", "anticlockwise", "together", "freely", "forwards", "backwards",
}  # fmt: skip
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (215, 40, 40), "orange": (245, 140, 30), "yellow": (250, 205, 40), "green": (50, 150, 70),
    "blue": (45, 90, 215), "purple": (130, 60, 170), "violet": (130, 60, 170), "pink": (245, 140, 180),
    "brown": (125, 80, 45), "black": (25, 25, 25), "white": (248, 248, 248), "grey": (128, 128, 128),
    "gray": (128, 128, 128), "turquoise": (60, 200, 190), "golden": (225, 175, 50), "gold": (225, 175, 50),
}  # fmt: skip


DOUBLE_NOT = {"orbit", "enter", "wander", "remain", "exit"}  # verbs whose last letter stays single before -ing


def _forms(verb: str) -> tuple[str, str, str, str]:
    """A verb's bare form, and those in -s, -ing and -ed."""
    stem = verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else verb
    short = len(verb) > 2 and verb[-1] in "bdpgtn" and verb[-2] in "aeiou" and verb[-3] not in "aeiou"
    if short and verb not in DOUBLE_NOT:
        stem = verb + verb[-1]
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb, verb[:-1] + "ies", verb + "ing", verb[:-1] + "ied"
    third = verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "o")) else "s")
    return verb, third, stem + "ing", stem + "ed"


CAMERA_FORMS: dict[str, str] = {form: verb for verb, _ in CAMERA for form in _forms(verb)}
BARE: dict[str, str] = {verb: verb for verbs in VERBS.values() for verb in verbs}
THIRD: dict[str, str] = {_forms(verb)[1]: verb for verb in BARE}
OTHER: dict[str, str] = {form: verb for verb in BARE for form in _forms(verb)[2:]} | IRREGULAR
MOTION_OF: dict[str, Motion] = {verb: motion for motion, verbs in VERBS.items() for verb in verbs}


def describe_motions() -> str:
    """All that is known, for people who said something else."""
    return "; ".join(f"{motion} ({', '.join(v for v in verbs if v != motion)})" if set(verbs) - {motion} else motion
                     for motion, verbs in VERBS.items())  # fmt: skip
