"""What `script/bench speed` measured, and the page that shows it. It measures nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench import full_size
from bench.figures import middle_half
from bench.stopwatch import PARTS, Operations, Watch

STOCK, OURS, FAST = "stock", "ours", "ours, go_fast, 4 steps"
LOOKING = ("ours, 10 steps, one reference", "ours, 10 steps, two references", "ours, 10 steps, three references")
FULL_MODEL, BUILT_IN = "qwen-image-edit-2509", "storybook"  # as weights.py names them
RESIDENT, ALLOCATED, RESERVED = "of the machine's memory", "on the GPU, used", "on the GPU, held"


@dataclass
class Drawn:
    """Scenes drawn one way: a value for each in the lists. `operations` are those of a scene's transformer calls."""

    steps: int
    first: float  # seconds of the very first scene, of two steps: all that is made ready then is in it
    seconds: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=lambda: {part: [] for part in PARTS})
    calls: int = 0
    operations: int | None = None  # None: the calls leave out work, and nobody knows how much
    memory: dict[str, int] = field(default_factory=dict)

    def add(self, seconds: float, watch: Watch, operations: Operations | None) -> None:
        self.seconds.append(seconds)
        for part, spent in watch.seconds.items():
            self.parts[part].append(spent)
        self.calls = watch.calls.total()
        self.operations = operations.of(watch.calls) if operations else None

    def share(self, *parts: str) -> float:
        """What these parts take of a scene's seconds, in percent."""
        scenes = zip(self.seconds, *(self.parts[part] for part in parts), strict=True)
        return float(median(100 * sum(each) / whole for whole, *each in scenes))


@dataclass
class Capped:
    """The full model with no more than so much of a GPU's memory."""

    gigabytes: int
    plan: str
    loading: float = 0
    seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    failed: str = ""


@dataclass
class Figures:
    """All that was measured so far."""

    about: str
    model: str
    card: str  # the GPU's name, if there is one
    quick: bool  # whatever the names say, no more than two steps
    ceiling: list[float]  # TFLOP/s
    counted: dict[str, float] = field(default_factory=dict)  # TFLOP of one call of the full model's transformer
    notes: list[str] = field(default_factory=list)  # what was done to draw faster
    ways: dict[str, Drawn] = field(default_factory=dict)
    setup: dict[str, list[float]] = field(default_factory=dict)
    caps: list[Capped] = field(default_factory=list)

    @property
    def on_target(self) -> bool:
        """Whether this is what the aims are about."""
        return self.model in (full_size.NAME, FULL_MODEL) and "H200" in self.card and not self.quick

    def seconds(self, name: str) -> float | None:
        """Of a scene drawn this way, if one was."""
        way = self.ways.get(name)
        return median(way.seconds) if way and way.seconds else None

    def floor(self, name: str) -> float | None:
        """The seconds that a way's operations would take at the machine's own pace."""
        way = self.ways.get(name)
        return way.operations / 1e12 / median(self.ceiling) if way and way.operations else None

    def over_floor(self, name: str) -> float | None:
        return _ratio(self.seconds(name), self.floor(name))


@dataclass(frozen=True)
class Aim:
    """What is wanted of the full model on an H200 at 1024x768."""

    what: str
    bound: float
    form: str
    of: Callable[[Figures], float | None]
    at_least: bool = False

    def row(self, found: Figures) -> str:
        wanted = f"at {'least' if self.at_least else 'most'} {self.form.format(self.bound)}"
        value = self.of(found) if found.on_target else None
        if value is None:
            why = "not yet" if found.on_target else "no such card here"
            return f"| {self.what} | {wanted} | | **not measured** ({why}) |"
        met = value >= self.bound if self.at_least else value <= self.bound
        return f"| {self.what} | {wanted} | {self.form.format(value)} | {'met' if met else '**not met**'} |"


AIMS = (
    Aim("40 steps with guidance, over the floor", 1.35, "{:.2f} times", lambda found: found.over_floor(OURS)),
    Aim(
        "40 steps with guidance, faster than stock",
        1.5,
        "{:.2f} times",
        lambda found: _ratio(found.seconds(STOCK), found.seconds(OURS)),
        at_least=True,
    ),
    Aim("go_fast at 4 steps, a scene with everything", 1.0, "{:.2f} s", lambda found: found.seconds(FAST)),
    Aim(
        "Text encoding and VAE together, of 40 steps with guidance",
        10,
        "{:.1f} %",
        lambda found: found.ways[OURS].share("text", "VAE") if found.seconds(OURS) else None,
    ),
)


def page(found: Figures) -> str:
    ways = [name for name in found.ways if found.seconds(name)]
    return PAGE.format(
        options=" --full-size" * (found.model == full_size.NAME) + " --quick" * found.quick,
        meaning=MEANINGS.get(found.model, ANOTHER),
        aims=_table("| | Wanted | Measured | |", [aim.row(found) for aim in AIMS]),
        seconds=_table(SECONDS, [_seconds(name, found) for name in ways]),
        shares=_table(SHARES, [_shares(name, found) for name in ways]),
        pace=_table(PACE, [_pace(name, found) for name in ways]),
        ceiling=_told(found.ceiling, "{:.3g}"),
        notes=f"Ours was made ready: {'; '.join(found.notes)}." if found.notes else "Nothing was compiled.",
        looking=_table(LOOKING_HEAD, [_looking(name, found) for name in LOOKING if name in ways]),
        counted=_table(COUNTED, [_counted(what, found.counted) for what in found.counted]),
        memory=_table(MEMORY, [row for name in ways if (row := _memory(name, found))]),
        setup=_table(SETUP, [f"| {what} | {_told(values, '{:.2f}')} |" for what, values in found.setup.items()]),
        caps=_table(CAPS, [_cap(cap) for cap in found.caps]),
        about=found.about,
    )


def _seconds(name: str, found: Figures) -> str:
    way, faster = found.ways[name], _ratio(found.seconds(STOCK), found.seconds(name))
    cells = [_told(way.seconds, "{:.2f}"), f"{len(way.seconds)}", _cell(faster, "{:.2f}"), f"{way.first:.2f}"]
    return f"| {name} | {' | '.join(cells)} |"


def _shares(name: str, found: Figures) -> str:
    shares = [found.ways[name].share(part) for part in PARTS]
    return f"| {name} | {' | '.join(f'{share:.1f} %' for share in (*shares, 100 - sum(shares)))} |"


def _pace(name: str, found: Figures) -> str:
    """How fast the transformer works, and how far a scene is from its floor."""
    way = found.ways[name]
    if way.operations is None:
        return f"| {name} | {way.calls} | | | | | |"
    pace, ceiling = way.operations / 1e12 / median(way.parts["transformer"]), median(found.ceiling)
    each = f"{way.operations / way.calls / 1e12:.3g} | {pace:.3g} | {100 * pace / ceiling:.0f} %"
    return f"| {name} | {way.calls} | {each} | {found.floor(name):.3g} | {found.over_floor(name):.2f} |"


def _looking(name: str, found: Figures) -> str:
    ratio = _ratio(found.seconds(name), found.seconds(LOOKING[0]))
    work = _ratio(found.ways[name].operations, found.ways[LOOKING[0]].operations)
    return f"| {name} | {found.seconds(name):.2f} | {_cell(ratio, '{:.2f}')} | {_cell(work, '{:.2f}')} |"


def _counted(what: str, counted: dict[str, float]) -> str:
    return f"| {what} | {counted[what]:.1f} | {counted[what] / counted['ours, one reference']:.2f} |"


def _memory(name: str, found: Figures) -> str:
    held = [f"{size / 1e9:.2f} GB {where}" for where, size in found.ways[name].memory.items()]
    return f"| {name} | {', '.join(held)} |" if held else ""


def _cap(cap: Capped) -> str:
    if cap.failed:
        return f"| {cap.gigabytes} GB | {cap.plan} | **failed**: {' '.join(cap.failed.split())} | | |"
    seconds = ", ".join(f"{what}: {spent:.2f} s" for what, spent in cap.seconds.items())
    held = ", ".join(f"{size / 1e9:.2f} GB {where}" for where, size in cap.memory.items())
    return f"| {cap.gigabytes} GB | {cap.plan} | {cap.loading:.0f} s | {seconds} | {held} |"


def _table(head: str, rows: Sequence[str]) -> str:
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *rows]) if rows else "**Not measured.**"


def _told(values: list[float], form: str) -> str:
    """The median, and the middle half."""
    spread = middle_half(values, form)
    return (form.format(median(values)) + (f" ({spread})" if spread else "")) if values else ""


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one and other else None


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


SECONDS = "| | Seconds, median (middle half) | Scenes | Stock takes as long, times | The first ever, 2 steps |"
SHARES = "| | Text | VAE | Transformer | Rest |"
PACE = "| | Calls | TFLOP each | TFLOP/s | Of the ceiling | Floor, s | Scene over floor, times |"
LOOKING_HEAD = "| | Seconds | Over one reference, times | Transformer's work over one's, times |"
COUNTED = "| The full model at 1024x768 | TFLOP of a call | Over ours with one reference, times |"
MEMORY = "| | Most that is held |"
SETUP = "| | Seconds, median (middle half) |"
CAPS = "| The GPU's memory | Plan | Until loaded | A scene | Most that is held |"
ANOTHER = "This is the model that would draw here, with its own weights; NEXT_SCENE_MODEL names another."
MEANINGS = {
    BUILT_IN: """This is the built-in model, on a CPU unless a GPU is named below. It is so small that what Python and
torch do around each operation costs more than the operation: **its times, and how it compares with stock, say little
about the full model**, whose transformer has 1,900 times as many weights. What this page shows is that every way runs,
and what each spares: steps, calls and tokens. `script/bench speed --full-size`, on a GPU, measures the full model.""",
    full_size.NAME: """This is the full model's own configuration in its true size, with random weights: time and memory
do not depend on their values, and the pictures mean nothing. What a first-block cache spares does depend on them: its
row tells nothing. Nothing is read from files, so loading is not measured.""",
}
PAGE = """# How fast scenes are drawn

The output of `script/bench speed{options} --out docs/measurements`; every single value is in [speed.json](speed.json).

{meaning}

## The aims

Of the full model on an H200, at 1024x768 with one reference. They are judged only by what such a card did.

{aims}

## A scene

One scene that grows from one reference, all noise (`strength` 1) and 40 steps with guidance 4 unless its name says
otherwise; ways are drawn in turn. *Stock* is diffusers' `QwenImageEditPlusPipeline` on the same weights, LoRA fused, as
it comes: eager, the negative prompt " ", the reference at its own size of about a megapixel (for scenes smaller than
1024x768, at as much less). Ours counts all that a user waits for, but not writing the file: references fitted, and the
picture compared with the one before. The first ever is a scene of 2 steps, with all that had to be made ready for it;
stock's is the first of the process. {notes}

{seconds}

## What the seconds go into

{shares}

## The floor

The ceiling is what large random matrices multiply at, in the numbers that the model calculates in, in this run:
{ceiling} TFLOP/s.

TFLOP are counted for each of the transformer's calls by their sizes (without LoRA that rides beside the
weights); the floor is what all calls of a scene would take at the ceiling, with no text encoder and no VAE.

{pace}

## More references

As in a chain, the first reference is a new picture each time, and the others were looked at before.

{looking}

What the full model's transformer has to do for each is decided by its sizes: counted, for a prompt of 40 tokens, and
not timed.

{counted}

## Memory

{memory}

## From cold

{setup}

## Under memory caps

The full model in a process of its own that may take no more of the GPU's memory than this; each scene was drawn once,
as it is named, and nothing is scaled up. Only `script/bench speed --full-size` does this, on a GPU.

{caps}

{about}
"""
