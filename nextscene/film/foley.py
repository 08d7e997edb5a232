"""Foley: a dozen sounds made by rules, from a word and a seed. The same both give the same samples.

    find_kind("waves on the shore")    # "sea"; None: it is not made here
    ambience("sea", seed)              # twenty seconds that go on without a seam, on both channels
    effect("bell", seed)               # once, on one channel

Noise is made by its spectrum, so that it is periodic; what beats (a clock, a heart) beats a whole number of times. All
have one loudness, but for rooms and cities, which are softer. It knows no films.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from nextscene.film.voice import RATE, Samples

LOOP = 20 * RATE  # samples of an ambience
PART, FADE = 4 * RATE, RATE // 2  # of an ambience that is heard once, and how long it comes and goes
AMBIENT, EFFECT = -34.0, -20.0  # dB of full scale: of all of an ambience, and of an effect's loudest part
HIGHEST = 0.5  # of full scale, that a peak may reach
LOUDEST = RATE * 2 // 5  # samples of that part
OFTEN = 3  # times that an effect is heard in an ambience

Random = np.random.Generator
Reals = NDArray[np.float64]


@dataclass(frozen=True)
class _Kind:
    """A sound that is made here.

    words: what it is called, as a pattern. softer: dB, as an ambience.
    make: its samples; of an ambience exactly LOOP.
    lasts: whether it goes on, as rain does, or is over, as a knock is.
    alike: whether both channels hear the same.
    """

    words: str
    make: Callable[[Random], Reals]
    lasts: bool = True
    softer: float = 0.0
    alike: bool = False


def find_kind(what: str) -> str | None:
    """Which of the sounds that are made here these words mean: the first that they name."""
    found = {kind: match for kind, row in KINDS.items() if (match := re.search(rf"\b(?:{row.words})\b", what.lower()))}
    return min(found, key=lambda kind: found[kind].start(), default=None)


def ambience(kind: str, seed: int) -> Samples:
    """A sound that goes on: two channels, whose end fits their beginning."""
    row = KINDS[kind]
    channels = [_lasting(row, _random(kind, seed, channel)) for channel in range(1 if row.alike else 2)]
    return level_ambience(np.stack(channels * (2 // len(channels)), axis=1), row.softer)


def effect(kind: str, seed: int) -> Samples:
    """A sound that is heard once: one channel."""
    row, random = KINDS[kind], _random(kind, seed, 0)
    once = row.make(random)
    if row.lasts:
        ramp = np.minimum(np.arange(PART), np.arange(PART)[::-1]) / FADE
        once = once[:PART] * np.minimum(ramp, 1)
    return level_effect(once)


def level_ambience(samples: Samples, softer: float = 0) -> Samples:
    """The same, as loud as places are, or softer by so many dB."""
    return _levelled(samples, 10 ** ((AMBIENT - softer) / 20), float(np.sqrt(np.mean(samples**2))))


def level_effect(samples: Samples) -> Samples:
    """The same, in its loudest part as loud as effects are."""
    part = min(LOUDEST, len(samples))
    reach = np.concatenate([[0], np.cumsum(samples.astype(np.float64) ** 2)])
    return _levelled(samples, 10 ** (EFFECT / 20), float(np.sqrt((reach[part:] - reach[:-part]).max() / part)))


def _levelled(samples: Samples, wanted: float, level: float) -> Samples:
    """As loud as wanted, or as its highest peak allows."""
    levelled: Samples = (samples * min(wanted / level, HIGHEST / np.abs(samples).max())).astype(np.float32)
    return levelled


def _random(kind: str, seed: int, channel: int) -> Random:
    return np.random.default_rng([seed, crc32(kind.encode()), channel])


def _lasting(row: _Kind, random: Random) -> Reals:
    """The sound for as long as an ambience; what is heard once is heard now and then."""
    if row.lasts:
        return row.make(random)
    samples = np.zeros(LOOP)
    for at in (np.arange(OFTEN) + random.uniform(0, 0.5, OFTEN)) * LOOP / OFTEN:
        _put(samples, row.make(random), int(at))
    return samples


# What sounds are made of


def _noise(random: Random, loud_at: Callable[[Reals], Reals], size: int = LOOP) -> Reals:
    """Noise without end, of a power of one: how loud each frequency is, is given."""
    frequencies = np.fft.rfftfreq(size, 1 / RATE)
    spectrum = random.normal(size=len(frequencies)) + 1j * random.normal(size=len(frequencies))
    samples: Reals = np.fft.irfft(spectrum * loud_at(np.maximum(frequencies, 1e-3)), size)
    samples /= np.sqrt(np.mean(samples**2))
    return samples


def _band(low: float, high: float, fall: float = 2) -> Callable[[Reals], Reals]:
    """From one frequency to another; beyond them it falls by so many powers."""

    def loud_at(frequencies: Reals) -> Reals:
        loudness: Reals = np.minimum(1, (frequencies / low) ** fall) * np.minimum(1, (high / frequencies) ** fall)
        return loudness

    return loud_at


def _slow(random: Random, fastest: float) -> Reals:
    """A movement without end between 0 and 1, of a few waves in each minute up to so many hertz."""
    wave = _noise(random, lambda frequencies: (frequencies <= fastest) * np.ones_like(frequencies))
    wave -= wave.min()
    wave /= wave.max()
    return wave


def _put(samples: Reals, piece: Reals, at: int) -> None:
    """Adds a piece at a place; what goes over the end goes on at the beginning."""
    np.add.at(samples, (at + np.arange(len(piece))) % len(samples), piece)


def _struck(seconds: float, *tones: tuple[float, float, float]) -> Reals:
    """What is struck rings: tones of these frequencies and strengths, each gone after so many seconds."""
    times = np.arange(round(seconds * RATE)) / RATE
    rings = [
        strength * np.sin(2 * np.pi * hertz * times) * np.exp(-5 * times / gone) for hertz, strength, gone in tones
    ]
    attack = np.minimum(times / 0.002, 1)
    ringing: Reals = np.sum(rings, axis=0) * attack
    return ringing


def _rustle(random: Random, seconds: float, low: float, high: float) -> Reals:
    """A short noise that dies away."""
    size = round(seconds * RATE)
    return _noise(random, _band(low, high), size) * np.exp(-6 * np.arange(size) / size)


def _beaten(beats: int, strike: Callable[[int], Reals]) -> Reals:
    """What is struck so many times in an ambience."""
    samples = np.zeros(LOOP)
    for beat in range(beats):
        _put(samples, strike(beat), beat * LOOP // beats)
    return samples


# The sounds


def _wind(random: Random) -> Reals:
    gusts, howl = _slow(random, 0.3), _slow(random, 0.2)
    low, high = _noise(random, _band(80, 250)), _noise(random, _band(350, 600, 4))
    return (0.25 + gusts**2) * (low + 0.7 * howl * high)


def _rain(random: Random) -> Reals:
    samples = _noise(random, _band(900, 4500, 1))
    for at in random.integers(0, LOOP, 1500):
        _put(samples, random.uniform(0.5, 3) * _rustle(random, 0.012, 1500, 6000), int(at))
    return samples


def _sea(random: Random) -> Reals:
    swell = (1 - np.cos(2 * np.pi * 3 * np.arange(LOOP) / LOOP)) / 2  # three waves, one in 6.7 seconds
    wash = np.roll(swell, RATE // 2) ** 3
    return (0.2 + swell**2) * _noise(random, _band(80, 500)) + wash * _noise(random, _band(800, 4000)) * 0.5


def _fire(random: Random) -> Reals:
    samples = _noise(random, _band(40, 160)) * (0.5 + 0.5 * _slow(random, 4))
    for at in random.integers(0, LOOP, 180):
        _put(samples, min(random.pareto(2), 5) * _rustle(random, random.uniform(0.005, 0.03), 1200, 7000), int(at))
    return samples


def _room(random: Random) -> Reals:
    return _noise(random, _band(50, 180, 1.5))


def _city(random: Random) -> Reals:
    passing = _slow(random, 0.25) ** 3 * _noise(random, _band(150, 900))
    return _noise(random, _band(40, 140)) + passing


def _thunder(random: Random) -> Reals:
    size = 6 * RATE
    times = np.arange(size) / RATE
    rolls = np.zeros(size)
    for at, strength in ((0.35, 1), (1.1, 0.7), (2.1, 0.45), (3.2, 0.2)):
        rolls += strength * np.exp(-((times - at) ** 2) / 0.15)
    rumble = _noise(random, _band(30, 110, 1.5), size) * rolls * np.minimum((6 - times) / 2, 1)
    crack = np.zeros(size)
    _put(crack, _rustle(random, 0.5, 200, 3000), int(random.uniform(0.05, 0.2) * RATE))
    return rumble + 0.6 * crack


def _bell(random: Random) -> Reals:
    hum = 220 * random.uniform(0.97, 1.03)
    partials = ((1, 0.6, 5), (2, 1, 4), (2.4, 0.7, 3), (3, 0.5, 2.4), (4, 0.6, 2), (5.3, 0.3, 1.2), (6.7, 0.2, 0.8))
    return _struck(5, *((hum * times, strength, gone) for times, strength, gone in partials))


def _knock(random: Random) -> Reals:
    samples = np.zeros(round(0.95 * RATE))
    for number in range(3):
        wood = random.uniform(0.95, 1.05)
        thud = _struck(0.25, (170 * wood, 1, 0.12), (390 * wood, 0.6, 0.06), (900 * wood, 0.3, 0.02))
        at = round((0.01 + 0.22 * number) * RATE)
        samples[at : at + len(thud)] += thud
    return samples


def _steps(random: Random) -> Reals:
    def step(beat: int) -> Reals:
        heel = _struck(0.3, (75 + 8 * (beat % 2), 1, 0.1), (160, 0.4, 0.05))
        scuff = _rustle(random, 0.3, 400, 2500) * 0.25
        return (heel + scuff) * random.uniform(0.8, 1.1)

    return _beaten(38, step)  # one in 0.53 seconds


def _clock(random: Random) -> Reals:
    def tick(beat: int) -> Reals:
        high = 1.0 if beat % 2 else 0.82
        return _struck(0.06, (2600 * high, 1, 0.02), (4100 * high, 0.6, 0.012), (900 * high, 0.4, 0.02))

    return _beaten(40, tick)  # two a second


def _heartbeat(random: Random) -> Reals:
    lub, dub = _struck(0.4, (52, 1, 0.22), (90, 0.3, 0.1)), _struck(0.4, (62, 0.7, 0.16), (110, 0.2, 0.08))
    gap = round(0.3 * RATE)
    beat = np.concatenate([lub, np.zeros(gap)])
    beat[gap : gap + len(dub)] += dub[: len(beat) - gap]
    return _beaten(24, lambda _: beat)  # 72 a minute


KINDS = {
    "wind": _Kind(r"winds?|windy|breeze|gusts?|gale|storm|blizzard", _wind),
    "rain": _Kind(r"rain\w*|drizzle|downpour|showers?", _rain),
    "sea": _Kind(r"seas?|seaside|waves?|ocean|surf|shores?|beach|tide|harbou?r", _sea),
    "fire": _Kind(r"fires?|fireplace|campfire|flames?|crackling|hearth|burning", _fire),
    "room": _Kind(r"rooms?|room tone|indoors|interior", _room, softer=8),
    "city": _Kind(r"city|city hum|traffic|streets?|cars|town", _city, softer=3),
    "thunder": _Kind(r"thunder\w*|lightning", _thunder, lasts=False),
    "bell": _Kind(r"bells?|chimes?|gong|toll\w*", _bell, lasts=False),
    "knock": _Kind(r"knock\w*", _knock, lasts=False),
    "steps": _Kind(r"(?:foot)?steps?|walking|walks", _steps, alike=True),
    "clock": _Kind(r"clocks?|tick\w*", _clock, alike=True),
    "heartbeat": _Kind(r"heart ?beats?|hearts?|pulse", _heartbeat, alike=True),
}
