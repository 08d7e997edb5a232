"""The page in a real browser: the whole way from a text to a playing film, a retake, a request that is refused."""

from pathlib import Path

import pytest
from browser import BROWSER, Tab, opened
from test_page import serving

from nextscene.model import Model

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no chromium here")

CTRL, ALT = 2, 1
LOADED = "[...document.querySelectorAll('.card > img')].filter(each => each.complete && each.naturalWidth).length"
AT_REST = "document.querySelector('#work').hidden && document.querySelector('#problem').hidden"


def say(tab: Tab, selector: str, words: str) -> None:
    """Types into a field, in the place of what is there."""
    tab.run(f"{{ const field = document.querySelector({selector!r}); field.focus(); field.select() }}")
    tab.type(words)


def click(tab: Tab, selector: str) -> None:
    tab.until(f"!document.querySelector({selector!r}).disabled")
    tab.run(f"document.querySelector({selector!r}).click()")


@pytest.mark.slow
def test_from_a_text_to_a_playing_film_with_a_retake_and_an_edit(
    tmp_path: Path, weights_folder: Path, small: Model
) -> None:
    profile = tmp_path / "profile"
    with serving(tmp_path / "run", weights_folder, small) as page, opened(profile, page.server.address) as tab:
        say(tab, "#text", "a house\nthe camera pans left\nnight falls")
        tab.press("Enter", CTRL)
        tab.until("document.querySelectorAll('tr.todo').length === 3")
        for name, value in (("steps", "2"), ("width", "64"), ("height", "64"), ("seconds_per_scene", "0.5")):
            say(tab, f"#story-form [name={name}]", value)
        assert not page.folder.exists()  # nothing is spent before it is shown

        tab.run("document.querySelector('.words > textarea').focus()")
        tab.press("ArrowDown", ALT)  # its words move with it
        tab.until("document.querySelectorAll('.words > textarea')[1].value === 'a house'")
        tab.press("ArrowUp", ALT)
        tab.until("document.querySelectorAll('.words > textarea')[0].value === 'a house'")
        tab.until("document.querySelector('#total').textContent.includes('The film takes 0:01')")
        click(tab, "#draw")
        tab.until(f"{LOADED} === 3 && document.querySelector('#video').readyState >= 1 && {AT_REST}")
        assert len(list(page.folder.glob("scene_*.png"))) == 3

        tab.run("document.querySelector('#video').muted = true")
        tab.run("new Promise(done => { video.onended = done; video.play() })")
        assert tab.run("video.currentTime") == pytest.approx(1.5, abs=0.05)
        assert tab.run("document.querySelector('#chapters [aria-current]').textContent") == "0:01night falls"
        click(tab, "#chapters li:nth-child(2) button")
        tab.until("document.querySelector('#chapters [aria-current]').textContent === '0:00the camera pans left'")
        assert tab.run("[...video.textTracks[0].cues].map(cue => cue.text)") == [
            "a house",
            "the camera pans left",
            "night falls",
        ]

        tab.run("document.querySelectorAll('.card')[1].focus()")
        tab.press("r")
        tab.until(f"document.querySelectorAll('.takes button').length === 2 && {AT_REST}")
        tab.until("!document.querySelector('#cascade').hidden")  # the third grew from the first take
        click(tab, "#cascade")
        tab.until(f"document.querySelector('#cascade').hidden && {AT_REST}")

        say(tab, "#rows tr:nth-child(3) .words > textarea", "rain falls")
        tab.until("document.querySelector('tr.todo .why')?.textContent === 'its words changed'")
        assert tab.run("document.querySelector('#total').textContent").startswith("1 of 3 scenes to draw, about")
        assert tab.run("document.querySelectorAll('tr.todo').length") == 1
        click(tab, "#draw")
        tab.until(f"document.querySelector('.card:last-child p').textContent === 'rain falls' && {AT_REST}")
        tab.until("document.querySelectorAll('tr.todo').length === 0")
        names = tab.run("[...document.querySelectorAll('#downloads a')].map(each => each.textContent)")
        assert names[:2] == ["scenes.zip", "contact_sheet.png"]
        assert {"sequence.mp4", "sequence.vtt", "run.json"} <= set(names)


def test_what_cannot_be_done_is_said_on_the_page_and_another_site_is_refused(
    tmp_path: Path, weights_folder: Path, small: Model
) -> None:
    profile = tmp_path / "profile"
    with serving(tmp_path / "run", weights_folder, small) as page, opened(profile, page.server.address) as tab:
        say(tab, "#text", '{"scenes": ["a", {"prompt": "<b>b</b>", "strength": 7}]}')
        click(tab, "#show-plan")
        tab.until("document.querySelector('#problem').textContent.includes('scene 2, strength')")
        say(tab, "#text", "<img src=x onerror=alert(1)>\nthe camera pans left")
        click(tab, "#show-plan")
        tab.until("document.querySelectorAll('tr.todo').length === 2")
        assert tab.run("document.querySelectorAll('#plan img').length") == 0  # words are words
        sent = "fetch('/api/draw', {method: 'POST', headers: {'X-Token': 'x'}, body: '{}'}).then(each => each.status)"
        assert tab.run(sent) == 403
        # the same machine by a name of another site's: to the browser another origin, which may neither ask nor look
        elsewhere = f"http://localhost.:{page.server.server_port}/"
        tab.open(elsewhere)
        assert "open it there" in tab.run("document.body.innerText")
    assert not (tmp_path / "run").exists()
