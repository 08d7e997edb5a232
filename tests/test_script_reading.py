"""A script is read as it was written: every character in one piece, and each piece what it is."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

import pytest
from fountain import ElementType, FDXRenderer, FountainElement, FountainParser
from hypothesis import given as for_any
from hypothesis import strategies as st

from nextscene import NextSceneError
from nextscene.script import break_down, compile_story
from nextscene.script.fountain import read_fountain
from nextscene.script.headings import read_heading
from nextscene.script.prose import read_prose
from nextscene.script.reading import read_script, read_script_file

SIGNS = [*"\n\r /*[]()^.!@~>=#_\\-:aÄ", "\r\n", "\n\n", "  \n", "/*", "*/", "[[", "]]", "INT. "]
LINES = [
    "EXT./INT. HOUSE - DAY\n\n",
    "MARA (V.O.)",
    "Title: x\n",
    "CUT TO:",
    "===\n",
    "MÜLLER ^\n",
    "ДМИТРИЙ\n",
    "Part 2\n",
]
TEXTS = st.lists(st.sampled_from(SIGNS + LINES), max_size=60).map("".join)

SCREENPLAY = """\
Title: Harbour
Author: Somebody
    and another

FADE IN:

EXT. HARBOUR - DAWN #4A#

MARA walks along [[a note
of two lines]] the pier. /* gone

INT. NOWHERE */ She stops.
A second line.

INT./EXT. CAR - NIGHT

MÜLLER (V.O.)
(quietly)
Hello *there*.
\x20\x20
Still me.

ДМИТРИЙ (CONT'D) ^
And I.

@McAvoy
I too.

!LOUD
And longer.

> THE END <

# Part

= What happens.

===

.FLASHBACK

int. small letters - day

CUT TO:

LATER

They sleep.
"""


def pieces(text: str) -> list[tuple[str, str]]:
    return [(each.kind, text[each.start : each.end]) for each in read_fountain(text) if each.kind != "blank"]


@for_any(TEXTS)
def test_the_pieces_of_any_text_are_the_text(text: str) -> None:
    for read in (read_fountain, read_prose):
        elements = read(text)
        assert "".join(text[each.start : each.end] for each in elements) == text
        assert all(each.start < each.end for each in elements)


def test_every_piece_of_a_screenplay_is_what_it_is() -> None:
    assert pieces(SCREENPLAY) == [
        ("title page", "Title: Harbour\nAuthor: Somebody\n    and another\n"),
        ("transition", "FADE IN:\n"),
        ("heading", "EXT. HARBOUR - DAWN #4A#\n"),
        ("action", "MARA walks along "),
        ("note", "[[a note\nof two lines]]"),
        ("action", " the pier. "),
        ("cut", "/* gone\n\nINT. NOWHERE */"),
        ("action", " She stops.\nA second line.\n"),
        ("heading", "INT./EXT. CAR - NIGHT\n"),
        ("character", "MÜLLER (V.O.)\n"),
        ("parenthetical", "(quietly)\n"),
        ("dialogue", "Hello *there*.\n  \nStill me.\n"),
        ("character", "ДМИТРИЙ (CONT'D) ^\n"),
        ("dialogue", "And I.\n"),
        ("character", "@McAvoy\n"),
        ("dialogue", "I too.\n"),
        ("action", "!LOUD\nAnd longer.\n"),
        ("centred", "> THE END <\n"),
        ("section", "# Part\n"),
        ("synopsis", "= What happens.\n"),
        ("page break", "===\n"),
        ("heading", ".FLASHBACK\n"),
        ("heading", "int. small letters - day\n"),
        ("transition", "CUT TO:\n"),
        ("action", "LATER\n"),
        ("action", "They sleep.\n"),
    ]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("A note that is not closed [[ here.\n\nMore. ]]", ["action", "action"]),
        ("Never closed /* boneyard", ["action"]),
        ("...and then nothing.", ["action"]),
        ("Interior thoughts. Extra. Estimates.", ["action"]),
        ("INT. HOUSE - DAY\nMara sits.", ["heading", "action"]),
        ("Int. is a word here\nand goes on.", ["action"]),
        ("BANG\n\nA door.", ["action", "action"]),
        ("MARA\n\nNothing is said.", ["action", "action"]),
        ("23\nis no name.", ["action"]),
        ("MARA\n[[whisper]]\nWho is there?", ["character", "note", "dialogue"]),
        ("~la la\n~la", ["lyrics"]),
        ("MARA\n~la la\nWords again.", ["character", "lyrics", "dialogue"]),
    ],
)
def test_what_only_looks_like_something_is_not(text: str, kinds: list[str]) -> None:
    assert [kind for kind, _ in pieces(text)] == kinds


ASCII = SCREENPLAY.replace("MÜLLER", "MUELLER").replace("ДМИТРИЙ", "DMITRI")  # other names fountain-py does not know


def test_another_reader_of_fountain_finds_the_same() -> None:
    kinds = {
        ElementType.SCENE_HEADING: "heading",
        ElementType.CHARACTER: "character",
        ElementType.DIALOGUE: "dialogue",
        ElementType.PARENTHETICAL: "parenthetical",
        ElementType.TRANSITION: "transition",
        ElementType.CENTERED: "centred",
        ElementType.SECTION: "section",
        ElementType.SYNOPSIS: "synopsis",
        ElementType.PAGE_BREAK: "page break",
    }
    theirs = [kinds[each.type] for each in flat(FountainParser().parse(ASCII).elements) if each.type in kinds]
    ours = [kind for kind, _ in pieces(ASCII) if kind in kinds.values()]
    alike = [[kind for kind, _ in groupby(each)] for each in (ours, theirs)]  # of dialogue each line is a piece there
    assert alike[0] == alike[1]


def flat(elements: Iterable[FountainElement]) -> Iterator[FountainElement]:
    for each in elements:
        yield each
        for side in ("left", "right"):
            if isinstance(name := each.metadata.get(f"{side}_character"), FountainElement):
                yield name
            if isinstance(said := each.metadata.get(f"{side}_dialogue"), list):
                yield from said


def test_final_draft_is_read_as_the_fountain_that_it_was_made_of() -> None:
    data: str = FDXRenderer().render(FountainParser().parse(ASCII))
    script = read_script(data.encode(), ".fdx")
    said = [(each.kind, script.words([each])) for each in script.elements]
    assert script.format == "fdx"
    assert script.fields() == {"title": "Harbour"}
    assert [(kind, words) for kind, words in said if kind not in ("action", "blank", "title page")] == [
        ("transition", "FADE IN:"),
        ("heading", "EXT. HARBOUR - DAWN"),
        ("heading", "INT./EXT. CAR - NIGHT"),
        ("character", "MUELLER"),
        ("parenthetical", "(quietly)"),
        ("dialogue", "Hello there. Still me."),
        ("character", "DMITRI"),
        ("dialogue", "And I."),
        ("character", "McAvoy"),
        ("dialogue", "I too."),
        ("heading", "FLASHBACK"),
        ("heading", "int. small letters - day"),
        ("transition", "CUT TO:"),
    ]
    assert ("action", "LATER") in said


FDX = "<FinalDraft><Content>{}</Content></FinalDraft>"
KINDS = st.sampled_from(["Action", "Scene Heading", "Character", "Transition", "General"])
WORDS = st.text(st.sampled_from("aB .!@~>=#_*[/\\(:Ä1"), min_size=1, max_size=12).filter(str.strip)
PARAGRAPHS = st.tuples(KINDS, WORDS).filter(lambda each: each[0] != "Scene Heading" or each[1].strip()[0].isalnum())


@for_any(st.lists(PARAGRAPHS, min_size=1, max_size=5))
def test_every_paragraph_of_final_draft_keeps_its_kind_and_its_words(paragraphs: list[tuple[str, str]]) -> None:
    """But for who speaks: a name is one only where something is said; and headings begin with a letter."""
    inner = "".join(f'<Paragraph Type="{kind}"><Text>{words}</Text></Paragraph>' for kind, words in paragraphs)
    script = read_script(FDX.format(inner).encode(), ".fdx")
    kinds = {"Scene Heading": "heading", "Transition": "transition", "Action": "action", "General": "action"}
    found = [script.words([each]) for each in script.elements if each.kind != "blank"]
    assert found == [" ".join(words.split()) for _, words in paragraphs]
    found_kinds = [each.kind for each in script.elements if each.kind != "blank"]
    for (kind, _), found_kind in zip(paragraphs, found_kinds, strict=True):
        assert kind not in kinds or found_kind == kinds[kind]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'<!DOCTYPE x [<!ENTITY a "b">]><FinalDraft/>', "declares a DOCTYPE"),
        (b"<FinalDraft><Content>", "is damaged: no element found"),
        (b"<html/>", "begins with <html>"),
        (b"<FinalDraft><Content/></FinalDraft>", "has no words to film"),
    ],
)
def test_a_file_that_is_no_good_fdx_is_refused_in_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(NextSceneError, match=sentence):
        read_script(data, ".fdx")


def test_a_text_without_headings_is_prose_and_a_paragraph_is_a_piece(tmp_path: Path) -> None:
    (tmp_path / "tale.txt").write_text("Chapter 1\n\nShe came\nhome late.\n\n* * *\n\nIt rained.\n")
    script = read_script_file(tmp_path / "tale.txt")
    assert script.format == "prose"
    kinds = [each.kind for each in script.elements if each.kind != "blank"]
    assert kinds == ["section", "action", "section", "action"]
    assert read_script(b"EXT. SEA - DAY\n\nWaves.").format == "fountain"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"\xff\xfe", "no UTF-8 text"), (b" \n", "has no words to film"), (None, "There is no script")],
)
def test_a_file_that_is_no_script_is_refused_in_a_sentence(
    content: bytes | None, sentence: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "a.fountain").write_bytes(content)
    with pytest.raises(NextSceneError, match=sentence):
        read_script_file(tmp_path / "a.fountain")


def test_the_title_page_is_read_by_its_keys() -> None:
    script = read_script(SCREENPLAY.encode())
    assert script.fields() == {"title": "Harbour", "author": "Somebody and another"}


@pytest.mark.parametrize(
    ("line", "place", "inside", "light"),
    [
        ("12A EXT. HARBOUR - DAY 12A", "HARBOUR", False, "day"),
        ("3. INT. HOUSE 7 - NIGHT", "HOUSE 7", True, "night"),
        ("INNEN. KÜCHE - NACHT", "KÜCHE", True, "night"),
        ("AUSSEN. WALD - MORGEN", "WALD", False, "dawn"),
        ("ИНТ. КУХНЯ - НОЧЬ", "КУХНЯ", True, "night"),
        ("EXTÉRIEUR. FORÊT - JOUR", "FORÊT", False, "day"),
        ("EXT. 港 - 夜", "港", False, "night"),
        ("Ext harbour, day", "harbour", False, "day"),
    ],
)
def test_headings_of_other_scripts_are_headings(line: str, place: str, inside: bool, light: str) -> None:
    (scene,) = break_down(read_script(f"{line}\n\nWaves.\n".encode())).scenes
    found = read_heading(scene.heading)
    assert (found.place, found.inside, found.light) == (place, inside, light)


@pytest.mark.parametrize("line", ["Innen ist es kalt.", "1984 was a year.", "12 Internal affairs.", "Nat sleeps."])
def test_a_sentence_that_begins_like_a_heading_is_none(line: str) -> None:
    assert [kind for kind, _ in pieces(line)] == ["action"]


def test_directions_and_shouts_are_neither_people_nor_pictures() -> None:
    text = (
        "EXT. CITY - DAY\n\nMONTAGE:\n\nA man runs.\n\n\u200b\n\nTHE SHIP EXPLODES!\nFIRE!\n\nMARA\nRun!\n\nTHE END\n"
    )
    breakdown = break_down(read_script(text.encode()))
    assert [person.names[0] for person in breakdown.people] == ["MARA"]
    assert [scene.prompt for scene in compile_story(breakdown).story.scenes] == [
        "A man runs. In the city, in daylight.",
        "THE SHIP EXPLODES! FIRE! In the city, in daylight.",
    ]


def test_what_is_too_long_to_be_said_at_once_is_refused_in_a_sentence() -> None:
    breakdown = break_down(read_script(b"word " * 20000))
    with pytest.raises(NextSceneError, match="Shot s1a: 99999 characters are said in it at once"):
        compile_story(breakdown)


def test_a_dialogue_without_headings_is_a_screenplay_and_a_chapter_is_none() -> None:
    assert read_script(b"MARA\nHello.\n\nTOM\nYes.\n").format == "fountain"
    assert read_script(b"CHAPTER ONE\nIt was night.\n\nTHE END\nNobody came.\n").format == "prose"
    with pytest.raises(NextSceneError, match="has no words to film"):
        read_script(b"[[a note]]\n\n/* cut */\n")
