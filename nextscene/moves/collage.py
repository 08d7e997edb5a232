"""What is planned and what was made, in a picture: paths on the first frame, a film's frames side by side."""

import math
from collections.abc import Sequence
from itertools import pairwise

from PIL import Image, ImageDraw

from nextscene.faces import Line, shorten
from nextscene.moves.plan import Plan, Thing

WIDE, GAP, LETTERS = 960, 8, 16  # pixels
INK, PAPER, QUIET = "#f2f0ea", "#14161a", "#8d929c"
COLOURS = ("#ff5d5d", "#4db2ff", "#ffd24d", "#6fe07a", "#d58bff", "#ff9f4d")
MARKS = {"contact": 6, "top": 4, "turn": 4, "start": 5, "end": 5}  # pixels: how large each is drawn


def draw_paths(plan: Plan, picture: Image.Image) -> Image.Image:
    """The first frame with each thing's way on it, its keyframes, its contacts, and words below."""
    scale = WIDE / picture.width if picture.width < WIDE else 1.0
    shown = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    foot = (LETTERS + GAP) * (len(plan.things) + 1) + GAP
    sheet = Image.new("RGB", (shown.width, shown.height + foot), PAPER)
    sheet.paste(Image.blend(shown, Image.new("RGB", shown.size, PAPER), 0.35))
    draw = ImageDraw.Draw(sheet)
    for at, thing in enumerate(plan.things):
        colour = COLOURS[at % len(COLOURS)]
        _draw_path(draw, plan, thing, scale, colour, shown.height)
        line = shown.height + (LETTERS + GAP) * (at + 1)
        Line(shorten(_said(thing), LETTERS, sheet.width - 2 * GAP), LETTERS).draw(draw, (GAP, line), colour)
    camera = "" if plan.camera == "none" else f" · camera: {plan.camera.replace('_', ' ')}"
    about = f"{plan.prompt} · {plan.count} frames at {plan.fps:g}, {plan.count / plan.fps:.1f} s{camera}"
    line = shown.height + (LETTERS + GAP) * (len(plan.things) + 1)
    Line(shorten(about, LETTERS, sheet.width - 2 * GAP), LETTERS).draw(draw, (GAP, line), QUIET)
    return sheet


def _draw_path(draw: ImageDraw.ImageDraw, plan: Plan, thing: Thing, scale: float, colour: str, below: int) -> None:
    """Its ways as a line that stays in the picture, with a ring where it is in each keyframe."""
    places = plan.places(thing.id)
    points = [(place.x * scale, place.y * scale) for place in places]
    for (x, y), (to_x, to_y) in pairwise(points):
        if max(y, to_y) < below:
            draw.line((x, y, to_x, to_y), fill=colour, width=2)
    for place, (x, y) in zip(places, points, strict=True):
        if y >= below:
            continue
        far = MARKS.get(place.event, 2)
        draw.ellipse(
            (x - far, y - far, x + far, y + far), fill=colour if place.event == "contact" else None, outline=colour
        )
        if place.event in ("start", "end"):
            reach = place.radius * scale
            draw.ellipse((x - reach, y - reach, x + reach, y + reach), outline=colour)
            hand = math.radians(place.angle - 90)
            draw.line((x, y, x + reach * math.cos(hand), y + reach * math.sin(hand)), fill=colour)


def _said(thing: Thing) -> str:
    """What it does, in words."""
    events = [
        f"{event.motion}{f' {event.count}x' if event.count else ''}{f' {event.direction}' if event.direction else ''} "
        f"({event.first}-{event.last})"
        for event in thing.events
    ]
    return f"{thing.id}: {', then '.join(events) or 'by hand'}"


def draw_collage(frames: Sequence[Image.Image], numbers: Sequence[int], keyframes: Sequence[int]) -> Image.Image:
    """Frames side by side, each with its number; keyframes are marked."""
    columns = min(len(frames), 4 if len(frames) <= 16 else 6)
    width = (WIDE - GAP * (columns + 1)) // columns
    height = max(round(width * frames[0].height / frames[0].width), 1)
    rows = -(-len(frames) // columns)
    sheet = Image.new("RGB", (WIDE, GAP + rows * (height + LETTERS + 2 * GAP)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for at, (frame, number) in enumerate(zip(frames, numbers, strict=True)):
        left, top = GAP + (at % columns) * (width + GAP), GAP + (at // columns) * (height + LETTERS + 2 * GAP)
        sheet.paste(frame.resize((width, height), Image.Resampling.LANCZOS), (left, top))
        words = f"{number} keyframe" if number in keyframes else str(number)
        Line(words, LETTERS).draw(draw, (left, top + height + LETTERS), INK if number in keyframes else QUIET)
    return sheet
