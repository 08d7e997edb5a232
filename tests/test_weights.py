"""Weights arrive whole and verified, or not at all: proved against a hub imitated on loopback, with all its ills."""

import hashlib
import itertools
import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import use_endpoint
from hub import Hub, commit_of

from nextscene import NextSceneError
from nextscene.hub import download, weights

ROOT = Path(__file__).resolve().parent.parent
BASE, LORA = weights.MODELS["qwen-image-edit-2509"], weights.MODELS["next-scene"]
LORA_FILE = LORA.files[0]
WHOLE = {
    "model_index.json": b'{"_class_name": "QwenImageEditPlusPipeline"}',
    "transformer/config.json": b"{}",
    "transformer/diffusion_pytorch_model-00001-of-00002.safetensors": b"first" * 1000,
    "transformer/diffusion_pytorch_model-00002-of-00002.safetensors": b"second" * 1000,
    **{f"{part}/config.json": part.encode() for part in ("processor", "scheduler", "text_encoder", "tokenizer", "vae")},
}
SHARD, OTHER_SHARD = list(WHOLE)[2:4]
CHUNK = 10 * 2**20  # huggingface_hub writes a download to disk in pieces of this size
BIG = b"0123456789abcdef" * (CHUNK // 16 + 2**16)


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    repos = {BASE.repo: {**WHOLE, "README.md": b"#"}, LORA.repo: {LORA_FILE: b"lora" * 500, "v1.safetensors": b"v1"}}
    with Hub(repos) as hub:
        use_endpoint(hub.url, monkeypatch)
        yield hub


def refusal(name: str) -> str:
    """The one sentence with which fetching fails."""
    with pytest.raises(NextSceneError) as caught:
        weights.fetch(name)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert not sentence.endswith("..")
    return sentence


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def part_files(cache: Path) -> list[Path]:
    return list(cache.rglob("*.incomplete"))


def weights_command(*words: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(ROOT / "weights.py"), *words],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# What a healthy hub gives


def test_a_model_is_fetched_whole_and_nothing_that_it_does_not_need(hub: Hub) -> None:
    assert contents(weights.fetch(BASE.name)) == WHOLE


def test_the_folder_tells_the_commit_that_it_holds(hub: Hub) -> None:
    assert weights.fetch(BASE.name).name == commit_of(hub.repos[BASE.repo])


def test_what_was_fetched_once_needs_no_network_and_is_not_read_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = weights.fetch(BASE.name)
    hub.seen.clear()
    use_endpoint("http://127.0.0.1:9", monkeypatch)
    monkeypatch.setattr(download, "_verify", None)
    assert weights.fetch(BASE.name) == folder
    assert hub.seen == []


def test_a_file_that_was_lost_from_the_cache_is_fetched_again_and_only_that(hub: Hub) -> None:
    lost = weights.fetch(BASE.name) / SHARD
    lost.resolve().unlink()
    hub.seen.clear()
    assert contents(weights.fetch(BASE.name)) == WHOLE
    assert hub.downloads() == [SHARD]


def test_a_model_that_another_program_downloaded_is_verified_and_not_downloaded_again(hub: Hub, cache: Path) -> None:
    weights.fetch(BASE.name)
    next(cache.rglob("verified-*")).unlink()
    hub.seen.clear()
    assert contents(weights.fetch(BASE.name)) == WHOLE
    assert hub.downloads() == []


def test_a_table_that_asks_for_more_fetches_only_what_is_new(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    weights.fetch(BASE.name)
    hub.seen.clear()
    monkeypatch.setitem(weights.MODELS, BASE.name, replace(BASE, files=(*BASE.files, "README.md")))
    assert contents(weights.fetch(BASE.name)) == hub.repos[BASE.repo]
    assert hub.downloads() == ["README.md"]


# Broken connections and broken files


def test_a_broken_connection_is_taken_up_where_it_broke(hub: Hub) -> None:
    hub.repos[LORA.repo][LORA_FILE] = BIG
    hub.segments[LORA_FILE] = iter([CHUNK + 1000])
    assert (weights.fetch(LORA.name) / LORA_FILE).read_bytes() == BIG
    assert hub.downloads() == [LORA_FILE, f"{LORA_FILE} from {CHUNK}"]


def test_a_connection_that_stays_broken_is_one_sentence_and_finished_files_are_kept(hub: Hub, cache: Path) -> None:
    hub.segments[OTHER_SHARD] = itertools.repeat(100)
    started = time.monotonic()
    assert f"{hub.url} cannot be reached or broke off" in refusal(BASE.name)
    assert time.monotonic() - started < 15
    assert not part_files(cache)
    assert not list(cache.rglob(Path(OTHER_SHARD).name))

    hub.segments.clear()
    hub.seen.clear()
    assert contents(weights.fetch(BASE.name)) == WHOLE
    assert SHARD not in hub.downloads()
    assert OTHER_SHARD in hub.downloads()


def test_a_killed_fetch_leaves_nothing_in_use(hub: Hub, cache: Path) -> None:
    hub.repos[LORA.repo][LORA_FILE] = BIG
    hub.segments[LORA_FILE] = iter([CHUNK + 1000])
    process = weights_command("fetch", LORA.name)
    while not any(part.stat().st_size for part in part_files(cache)):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate()

    (left,) = part_files(cache)
    an_hour_ago = time.time() - download.ORPHAN_AGE - 1
    os.utime(left, (an_hour_ago, an_hour_ago))
    fresh = left.with_name("another-process.incomplete")
    fresh.touch()
    assert (weights.fetch(LORA.name) / LORA_FILE).read_bytes() == BIG
    assert part_files(cache) == [fresh]


@pytest.mark.parametrize("broken", ["transformer/config.json", SHARD])
def test_a_truncated_file_is_refused_and_comes_whole_the_next_time(hub: Hub, cache: Path, broken: str) -> None:
    hub.forged[broken] = WHOLE[broken][:-1]
    assert f"should be of size {len(WHOLE[broken])}" in refusal(BASE.name)
    assert not part_files(cache)
    hub.forged.clear()
    assert contents(weights.fetch(BASE.name)) == WHOLE


@pytest.mark.parametrize("broken", ["transformer/config.json", SHARD])
def test_a_file_with_a_wrong_checksum_is_removed_and_fetched_anew(hub: Hub, cache: Path, broken: str) -> None:
    hub.forged[broken] = bytes(len(WHOLE[broken]))
    assert f"{broken} came with a wrong checksum" in refusal(BASE.name)
    assert hub.forged[broken] not in [path.read_bytes() for path in cache.rglob("*") if path.is_file()]
    finished = set(hub.downloads()) - {broken}
    hub.forged.clear()
    hub.seen.clear()
    assert contents(weights.fetch(BASE.name)) == WHOLE
    assert broken in hub.downloads()
    assert not finished & set(hub.downloads())


# Full disks


def test_a_disk_that_is_too_small_is_told_before_anything_is_downloaded(hub: Hub, cache: Path) -> None:
    hub.boasts[OTHER_SHARD] = 10**15
    sentence = refusal(BASE.name)
    assert "needs 1.00PB more" in sentence
    assert "are free" in sentence
    assert str(cache) in sentence
    assert "NEXT_SCENE_CACHE" in sentence
    assert hub.downloads() == []


def test_what_is_cached_needs_no_room(hub: Hub, cache: Path) -> None:
    weights.fetch(BASE.name)
    next(cache.rglob("verified-*")).unlink()
    hub.boasts[SHARD] = 10**15
    assert contents(weights.fetch(BASE.name)) == WHOLE


def test_a_write_that_fails_midway_leaves_no_file(hub: Hub, cache: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        sentence = refusal(BASE.name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert f"{cache} cannot be written (File too large)" in sentence
    assert not part_files(cache)
    assert contents(weights.fetch(BASE.name)) == WHOLE


def test_a_disk_that_fills_up_while_downloading_leaves_no_file(hub: Hub, cache: Path) -> None:
    cache.mkdir()
    small_disk = f"mount -t tmpfs -o size=1m tmpfs '{cache}'"
    if subprocess.run(small_disk, shell=True, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")

    def somebody_fills_the_disk() -> Iterator[int]:
        (cache / "somebody").write_bytes(bytes(2**20 - 2**16))
        yield len(hub.repos[LORA.repo][LORA_FILE])

    try:
        hub.repos[LORA.repo][LORA_FILE] = bytes(2**19)
        hub.segments[LORA_FILE] = somebody_fills_the_disk()
        assert f"{cache} cannot be written (No space left on device)" in refusal(LORA.name)
        assert not part_files(cache)
        (cache / "somebody").unlink()
        assert (weights.fetch(LORA.name) / LORA_FILE).read_bytes() == bytes(2**19)
    finally:
        subprocess.run(["umount", str(cache)], check=True)


def test_a_cache_that_cannot_be_written_is_told(hub: Hub, cache: Path) -> None:
    cache.write_text("a file in its place")
    assert f"{cache} cannot be written (Not a directory)" in refusal(BASE.name)


# Hubs that do not give


def test_a_repository_that_is_missing_is_named(hub: Hub) -> None:
    del hub.repos[BASE.repo]
    assert f"{hub.url} shows no {BASE.repo}: check its name and HF_ENDPOINT, or set HF_TOKEN" in refusal(BASE.name)


def test_a_file_that_the_repository_no_longer_holds_is_named(hub: Hub) -> None:
    del hub.repos[LORA.repo][LORA_FILE]
    assert f"{LORA.repo} holds no {LORA_FILE}" in refusal(LORA.name)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((403, "GatedRepo"), "accept the terms"),
        ((401, ""), "refuses the token"),
        ((404, "RevisionNotFound"), "answered 404"),
        ((503, ""), "answered 503 Service Unavailable: try again later"),
    ],
)
def test_a_hub_that_refuses_is_told_with_what_to_do(hub: Hub, answer: tuple[int, str], sentence: str) -> None:
    hub.refusal = answer
    assert sentence in refusal(BASE.name)


def test_a_web_page_in_the_place_of_a_hub_is_told(hub: Hub) -> None:
    hub.page = b"<html>Welcome to the hotel's network</html>"
    assert "does not answer as a hub does" in refusal(BASE.name)


def test_no_network_is_told_at_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_endpoint("http://127.0.0.1:9", monkeypatch)
    started = time.monotonic()
    assert "http://127.0.0.1:9 cannot be reached" in refusal(BASE.name)
    assert time.monotonic() - started < 5


def test_a_hub_that_says_nothing_is_not_waited_for(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert download.PATIENCE <= 10
    monkeypatch.setattr(download, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_endpoint(f"http://127.0.0.1:{silent.getsockname()[1]}", monkeypatch)
        started = time.monotonic()
        assert "cannot be reached or broke off (timed out)" in refusal(BASE.name)
        assert time.monotonic() - started < 5


# Folders, choices, LoRAs


def test_a_local_folder_is_taken_as_it_is(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model_index.json").write_text("{}")
    assert weights.fetch(str(tmp_path / "mine")) == tmp_path / "mine"


@pytest.mark.parametrize("name", ["qwen-image-edit-2508", "tests"])
def test_a_name_that_is_neither_known_nor_a_models_folder_is_refused_with_the_names_that_are(name: str) -> None:
    sentence = refusal(name)
    assert f"no model in {name}" in sentence
    assert "qwen-image-edit-2509, storybook." in sentence


def test_the_built_in_model_is_a_folder_beside_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ROOT / "storybook" / "model" == weights.BUILT_IN
    monkeypatch.setattr(weights, "BUILT_IN", tmp_path)
    assert str(tmp_path) in refusal("storybook")
    (tmp_path / "model_index.json").touch()
    assert weights.fetch("storybook") == tmp_path


def test_a_folder_with_its_own_lora_keeps_it_and_any_other_gets_the_published_one(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "model_index.json").touch()
    assert weights.lora(str(tmp_path)).read_bytes() == hub.repos[LORA.repo][LORA_FILE]
    assert weights.lora(BASE.name) == weights.fetch(LORA.name) / LORA_FILE
    (tmp_path / "next-scene.safetensors").touch()
    assert weights.lora(str(tmp_path)) == tmp_path / "next-scene.safetensors"


@pytest.mark.parametrize(("gigabytes", "name"), [(8, "storybook"), (10, BASE.name), (80, BASE.name)])
def test_the_2509_model_is_chosen_where_the_gpu_holds_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch, gigabytes: int, name: str
) -> None:
    gpu = type("Gpu", (), {"total_memory": gigabytes * 10**9})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: gpu)
    assert weights.choose()[0] == name


def test_without_a_gpu_the_built_in_model_is_chosen_and_the_user_is_told_why(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    name, notice = weights.choose()
    assert name == "storybook"
    assert "No GPU with 10 GB" in notice
    assert "NEXT_SCENE_MODEL" in notice


def test_next_scene_model_picks_a_name_or_a_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", BASE.name)
    assert weights.choose() == (BASE.name, BASE.note)
    monkeypatch.setenv("NEXT_SCENE_MODEL", "models/mine")
    assert weights.choose() == ("models/mine", "The model in the folder models/mine.")


def test_a_lora_is_refused_as_the_model(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", LORA.name)
    with pytest.raises(NextSceneError, match="which is a LoRA"):
        weights.choose()


# The command


def test_the_command_lists_the_table_without_loading_torch() -> None:
    listed = weights_command("list").communicate()[0]
    for model in weights.MODELS.values():
        assert {model.name, model.licence, *model.repo.split()} <= set(listed.split())
    loads_torch = "import sys, weights; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loads_torch], cwd=ROOT).returncode == 0


def test_the_command_prints_where_the_weights_lie(hub: Hub) -> None:
    out, _ = weights_command("fetch", BASE.name, LORA.name).communicate()
    assert out.splitlines() == [str(weights.fetch(BASE.name)), str(weights.fetch(LORA.name))]


def test_the_command_ends_in_one_sentence_where_offline_mode_forbids_a_first_fetch(hub: Hub, cache: Path) -> None:
    process = weights_command("fetch", LORA.name, HF_HUB_OFFLINE="1")
    assert process.communicate() == (
        "",
        f"next-scene could not be fetched: it is not complete in {cache}, and HF_HUB_OFFLINE is set: "
        "unset that for the first fetch.\n",
    )
    assert process.returncode == 1
    weights.fetch(LORA.name)
    process = weights_command("fetch", LORA.name, HF_HUB_OFFLINE="1")
    assert process.communicate() == (f"{weights.fetch(LORA.name)}\n", "")


def test_the_size_a_model_draws_best_is_known_without_fetching_it(tmp_path: Path) -> None:
    assert weights.own_size("qwen-image-edit-2509") == (1024, 768)
    assert weights.own_size("storybook") == tuple(
        json.loads((weights.BUILT_IN / "next_scene.json").read_text())["size"]
    )
    assert weights.own_size(str(tmp_path)) == (1024, 768)
    (tmp_path / "next_scene.json").write_text('{"size": [320, 240]}')
    assert weights.own_size(str(tmp_path)) == (320, 240)


# What a record says of the weights


def test_a_model_is_known_by_the_checksums_of_all_its_files(tmp_path: Path, cache: Path) -> None:
    for name, data in {**WHOLE, weights.OWN_LORA: b"lora", "README.md": b"#"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    listed = "".join(f"{hashlib.sha256(WHOLE[name]).hexdigest()}  {name}\n" for name in sorted(WHOLE))
    known = weights.identity(str(tmp_path))
    assert known["model_sha256"] == hashlib.sha256(listed.encode()).hexdigest()
    assert known["lora_sha256"] == hashlib.sha256(b"lora").hexdigest()
    (tmp_path / SHARD).write_bytes(WHOLE[SHARD] + b"!")
    assert weights.identity(str(tmp_path))["model_sha256"] != known["model_sha256"]


def test_what_came_from_the_hub_verified_is_not_read_again_to_be_known(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = weights.fetch(BASE.name), weights.lora(BASE.name)
    listed = "".join(f"{hashlib.sha256(WHOLE[name]).hexdigest()}  {name}\n" for name in sorted(WHOLE))
    read: list[str] = []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda file, kind: read.append(file.name) or digest(file, kind))
    known = weights.identity(BASE.name)
    assert known["revision"] == folder.name
    assert known["model_sha256"] == hashlib.sha256(listed.encode()).hexdigest()
    assert known["lora_sha256"] == hashlib.sha256(b"lora" * 500).hexdigest()
    assert read
    assert not [name for name in read if name.endswith(".safetensors")]
