"""Weights arrive whole and verified, or not at all: proved against a hub imitated on loopback, with all its faults."""

import ctypes
import hashlib
import itertools
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any

import pytest
from conftest import use_endpoint
from hub import Hub, commit_of

from nextscene import NextSceneError
from nextscene.hub import BUILT_IN, LORAS, MODELS, OWN_CAMERA_LORA, OWN_LORA, cache, choose, download, fetch, find, gpu
from nextscene.hub.models import Model

ROOT = Path(__file__).resolve().parent.parent
BASE, LORA = MODELS["qwen-image-edit-2509"], LORAS["next-scene"]
LORA_FILE = LORA.file
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
def hub(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    repos = {BASE.repo: {**WHOLE, "README.md": b"#"}, LORA.repo: {LORA_FILE: b"lora" * 500, "v1.safetensors": b"v1"}}
    with Hub(repos) as hub:
        use_endpoint(hub.url, monkeypatch)
        yield hub


def refusal(name: str) -> str:
    """The one sentence with which fetching fails."""
    with pytest.raises(NextSceneError) as caught:
        fetch(name)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert not sentence.endswith("..")
    return sentence


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def part_files(cache_folder: Path) -> list[Path]:
    return list(cache_folder.rglob("*.incomplete"))


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
    assert contents(fetch(BASE.name)) == WHOLE


def test_the_folder_tells_the_commit_that_it_holds(hub: Hub) -> None:
    assert fetch(BASE.name).name == commit_of(hub.repos[BASE.repo])


def test_what_was_fetched_once_needs_no_network_and_is_not_read_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fetch(BASE.name)
    hub.requests.clear()
    use_endpoint("http://127.0.0.1:9", monkeypatch)
    monkeypatch.setattr(download, "_verify", None)
    assert fetch(BASE.name) == folder
    assert hub.requests == []


def test_a_file_that_was_lost_from_the_cache_is_fetched_again_and_only_that(hub: Hub) -> None:
    lost = fetch(BASE.name) / SHARD
    lost.resolve().unlink()
    hub.requests.clear()
    assert contents(fetch(BASE.name)) == WHOLE
    assert hub.downloads() == [SHARD]


def test_a_model_that_another_program_downloaded_is_verified_and_not_downloaded_again(
    hub: Hub, cache_folder: Path
) -> None:
    fetch(BASE.name)
    next(cache_folder.rglob("verified-*")).unlink()
    hub.requests.clear()
    assert contents(fetch(BASE.name)) == WHOLE
    assert hub.downloads() == []


def test_a_table_that_asks_for_more_fetches_only_what_is_new(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch(BASE.name)
    hub.requests.clear()
    monkeypatch.setitem(MODELS, BASE.name, replace(BASE, files=(*BASE.files, "README.md")))
    assert contents(fetch(BASE.name)) == hub.repos[BASE.repo]
    assert hub.downloads() == ["README.md"]


# Broken connections and broken files


def test_a_broken_connection_is_taken_up_where_it_broke(hub: Hub) -> None:
    hub.repos[LORA.repo][LORA_FILE] = BIG
    hub.cuts[LORA_FILE] = iter([CHUNK + 1000])
    assert (fetch(LORA.name) / LORA_FILE).read_bytes() == BIG
    assert hub.downloads() == [LORA_FILE, f"{LORA_FILE} from {CHUNK}"]


def test_a_connection_that_stays_broken_is_one_sentence_and_finished_files_are_kept(
    hub: Hub, cache_folder: Path
) -> None:
    hub.cuts[OTHER_SHARD] = itertools.repeat(100)
    started = time.monotonic()
    assert f"{hub.url} cannot be reached or broke off" in refusal(BASE.name)
    assert time.monotonic() - started < 15
    assert not part_files(cache_folder)
    assert not list(cache_folder.rglob(Path(OTHER_SHARD).name))

    hub.cuts.clear()
    hub.requests.clear()
    assert contents(fetch(BASE.name)) == WHOLE
    assert SHARD not in hub.downloads()
    assert OTHER_SHARD in hub.downloads()


def test_a_killed_fetch_leaves_nothing_in_use(hub: Hub, cache_folder: Path) -> None:
    hub.repos[LORA.repo][LORA_FILE] = BIG
    hub.cuts[LORA_FILE] = iter([CHUNK + 1000])
    process = weights_command("fetch", LORA.name)
    while not any(part.stat().st_size for part in part_files(cache_folder)):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate()

    (left,) = part_files(cache_folder)
    an_hour_ago = time.time() - cache.ORPHAN_AGE - 1
    os.utime(left, (an_hour_ago, an_hour_ago))
    fresh = left.with_name("another-process.incomplete")
    fresh.touch()
    assert (fetch(LORA.name) / LORA_FILE).read_bytes() == BIG
    assert part_files(cache_folder) == [fresh]


@pytest.mark.parametrize("broken", ["transformer/config.json", SHARD])
def test_a_truncated_file_is_refused_and_comes_whole_the_next_time(hub: Hub, cache_folder: Path, broken: str) -> None:
    hub.forged[broken] = WHOLE[broken][:-1]
    assert f"should be of size {len(WHOLE[broken])}" in refusal(BASE.name)
    assert not part_files(cache_folder)
    hub.forged.clear()
    assert contents(fetch(BASE.name)) == WHOLE


@pytest.mark.parametrize("broken", ["transformer/config.json", SHARD])
def test_a_file_with_a_wrong_checksum_is_removed_and_fetched_anew(hub: Hub, cache_folder: Path, broken: str) -> None:
    hub.forged[broken] = bytes(len(WHOLE[broken]))
    assert f"{broken} came with a wrong checksum" in refusal(BASE.name)
    assert hub.forged[broken] not in [path.read_bytes() for path in cache_folder.rglob("*") if path.is_file()]
    finished = set(hub.downloads()) - {broken}
    hub.forged.clear()
    hub.requests.clear()
    assert contents(fetch(BASE.name)) == WHOLE
    assert broken in hub.downloads()
    assert not finished & set(hub.downloads())


# Full disks


def test_a_disk_that_is_too_small_is_named_before_anything_is_downloaded(hub: Hub, cache_folder: Path) -> None:
    hub.claimed_sizes[OTHER_SHARD] = 10**15
    sentence = refusal(BASE.name)
    assert "needs 1.00PB more" in sentence
    assert "are free" in sentence
    assert str(cache_folder) in sentence
    assert "NEXT_SCENE_CACHE" in sentence
    assert hub.downloads() == []


def test_what_is_cached_needs_no_room(hub: Hub, cache_folder: Path) -> None:
    fetch(BASE.name)
    next(cache_folder.rglob("verified-*")).unlink()
    hub.claimed_sizes[SHARD] = 10**15
    assert contents(fetch(BASE.name)) == WHOLE


def test_a_write_that_fails_midway_leaves_no_file(hub: Hub, cache_folder: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        sentence = refusal(BASE.name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert f"{cache_folder} cannot be written (File too large)" in sentence
    assert not part_files(cache_folder)
    assert contents(fetch(BASE.name)) == WHOLE


def test_a_disk_that_fills_up_while_downloading_leaves_no_file(hub: Hub, cache_folder: Path) -> None:
    cache_folder.mkdir()
    small_disk = f"mount -t tmpfs -o size=1m tmpfs '{cache_folder}'"
    if subprocess.run(small_disk, shell=True, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")

    def somebody_fills_the_disk() -> Iterator[int]:
        (cache_folder / "somebody").write_bytes(bytes(2**20 - 2**16))
        yield len(hub.repos[LORA.repo][LORA_FILE])

    try:
        hub.repos[LORA.repo][LORA_FILE] = bytes(2**19)
        hub.cuts[LORA_FILE] = somebody_fills_the_disk()
        assert f"{cache_folder} cannot be written (No space left on device)" in refusal(LORA.name)
        assert not part_files(cache_folder)
        (cache_folder / "somebody").unlink()
        assert (fetch(LORA.name) / LORA_FILE).read_bytes() == bytes(2**19)
    finally:
        subprocess.run(["umount", str(cache_folder)], check=True)


def test_a_cache_that_cannot_be_written_is_named(hub: Hub, cache_folder: Path) -> None:
    cache_folder.write_text("a file in its place")
    assert f"{cache_folder} cannot be written (Not a directory)" in refusal(BASE.name)


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
def test_a_hub_that_refuses_is_named_with_what_to_do(hub: Hub, answer: tuple[int, str], sentence: str) -> None:
    hub.refusal = answer
    assert sentence in refusal(BASE.name)


def test_a_web_page_in_the_place_of_a_hub_is_named(hub: Hub) -> None:
    hub.page = b"<html>Welcome to the hotel's network</html>"
    assert "does not answer as a hub does" in refusal(BASE.name)


def test_no_network_is_named_at_once(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_endpoint("http://127.0.0.1:9", monkeypatch)
    started = time.monotonic()
    assert "http://127.0.0.1:9 cannot be reached" in refusal(BASE.name)
    assert time.monotonic() - started < 5


def test_a_hub_that_says_nothing_is_not_waited_for(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert download.PATIENCE <= 10
    monkeypatch.setattr(download, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_endpoint(f"http://127.0.0.1:{silent.getsockname()[1]}", monkeypatch)
        started = time.monotonic()
        assert "cannot be reached or broke off (timed out)" in refusal(BASE.name)
        assert time.monotonic() - started < 5


# Folders, choices, LoRAs


def test_a_local_folder_is_taken_as_it_is(tmp_path: Path, cache_folder: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model_index.json").write_text("{}")
    assert fetch(str(tmp_path / "mine")) == tmp_path / "mine"


@pytest.mark.parametrize("name", ["qwen-image-edit-2508", "tests"])
def test_a_name_that_is_neither_known_nor_a_models_folder_is_refused_with_the_names_that_are(name: str) -> None:
    sentence = refusal(name)
    assert f"no model in {name}" in sentence
    assert f"one of {', '.join(MODELS)}." in sentence


@pytest.mark.parametrize("name", ["~nouser/model", "a" * 300, "a\0b"])
def test_a_folder_that_no_machine_can_have_is_refused(name: str) -> None:
    assert "which cannot be opened here" in refusal(name)


def test_the_built_in_model_is_found_beside_the_code() -> None:
    built_in = find("storybook")
    assert built_in.folder == ROOT / "storybook" / "model"
    assert built_in.lora == built_in.folder / OWN_LORA


def test_the_built_in_model_is_found_in_an_installed_package(tmp_path: Path) -> None:
    """As pyproject.toml has the wheel built: a package that holds the model, and no checkout around it."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["nextscene"]
    shutil.copytree(ROOT / "nextscene", tmp_path / "nextscene")
    for source, place in wheel["force-include"].items():
        shutil.copytree(ROOT / source, tmp_path / place)
    script = "from nextscene import hub; built_in = hub.find('storybook'); print(built_in.folder, built_in.lora)"
    found = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    folder, lora = map(Path, found.stdout.split())
    assert folder.is_relative_to(tmp_path)
    assert lora == folder / OWN_LORA


def test_a_model_is_resolved_once_and_fetched_when_it_is_asked_for(hub: Hub) -> None:
    weights = find(BASE.name)
    assert hub.requests == []
    assert weights.folder == fetch(BASE.name)
    hub.requests.clear()
    shutil.rmtree(weights.folder.parents[2])
    assert weights.folder == weights.folder
    assert hub.requests == []


def test_a_folder_with_its_own_lora_keeps_it_and_any_other_gets_the_published_one(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "model_index.json").touch()
    assert find(str(tmp_path)).lora.read_bytes() == hub.repos[LORA.repo][LORA_FILE]
    assert find(BASE.name).lora == fetch(LORA.name) / LORA_FILE
    (tmp_path / OWN_LORA).touch()
    assert find(str(tmp_path)).lora == tmp_path / OWN_LORA


@pytest.mark.parametrize(
    ("model", "steps", "name"),
    [
        ("qwen-image-edit-2509", 4, "lightning-4-steps"),
        ("qwen-image-edit-2509", 5, "lightning-4-steps"),
        ("qwen-image-edit-2509", 6, "lightning-8-steps"),
        ("qwen-image-edit-2511", 8, "lightning-2511-8-steps"),
        ("firered-image-edit-1.1", 4, "lightning-firered-8-steps"),
    ],
)
def test_the_published_fast_lora_nearest_to_the_steps_is_fetched(model: str, steps: int, name: str, hub: Hub) -> None:
    hub.repos[MODELS[model].repo] = WHOLE
    hub.repos[LORAS[name].repo] = {LORAS[name].file: name.encode()}
    assert find(model).fast_lora(steps).read_bytes() == name.encode()


@pytest.mark.parametrize(
    ("gigabytes", "name"), [(None, "storybook"), (8, "storybook"), (10, BASE.name), (80, BASE.name)]
)
def test_the_2509_model_is_chosen_where_the_gpu_holds_it(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch, gigabytes: int | None, name: str
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", partial(Driver, gigabytes))
    assert choose().name == name


class Driver:
    """NVIDIA's driver, as a machine with one GPU of so many gigabytes has it; with none, as one without a GPU does."""

    def __init__(self, gigabytes: int | None, library: str) -> None:
        assert library == "libcuda.so.1"
        self.gigabytes, self.ready = gigabytes, False

    def cuInit(self, flags: int) -> int:  # noqa: N802 - NVIDIA's name, like the others
        self.ready = self.gigabytes is not None
        return 0 if self.ready else 100  # CUDA_ERROR_NO_DEVICE

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
        count._obj.value = 1
        return 0 if self.ready else 3  # CUDA_ERROR_NOT_INITIALIZED

    def cuDeviceGet(self, device: Any, number: int) -> int:  # noqa: N802
        device._obj.value = 7
        return number  # there is only number 0

    def cuDeviceTotalMem_v2(self, size: Any, device: Any) -> int:  # noqa: N802
        size._obj.value = (self.gigabytes or 0) * 10**9
        return int(device.value != 7)


def test_a_machine_without_nvidias_driver_has_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(library: str) -> None:
        raise OSError(f"{library}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", not_found)
    assert gpu.total_memory() is None


def test_without_a_gpu_the_built_in_model_is_chosen_and_the_user_is_named_why(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "total_memory", lambda: None)
    weights = choose()
    assert weights.name == "storybook"
    assert "No GPU with 10 GB" in weights.notice
    assert "NEXT_SCENE_MODEL" in weights.notice


def test_choosing_a_model_brings_neither_torch_nor_the_hubs_own_library() -> None:
    loads = "import sys; from nextscene import hub; hub.choose(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", loads], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"torch", "diffusers", "transformers", "huggingface_hub", "httpx2"} & set(loaded.stdout.split())


def test_next_scene_model_picks_a_name_or_a_folder(
    cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", BASE.name)
    assert (choose().name, choose().notice) == (BASE.name, BASE.note)
    (tmp_path / "model_index.json").touch()
    monkeypatch.setenv("NEXT_SCENE_MODEL", str(tmp_path))
    assert (choose().name, choose().notice) == (str(tmp_path), f"The model in the folder {tmp_path}.")


def test_a_lora_is_refused_as_the_model(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXT_SCENE_MODEL", LORA.name)
    with pytest.raises(NextSceneError, match="NEXT_SCENE_MODEL is next-scene, which is a LoRA"):
        choose()


@pytest.mark.parametrize("model", [model for model in MODELS.values() if model.repo], ids=lambda model: model.name)
def test_the_loras_that_a_model_names_are_in_the_table(model: Model) -> None:
    names = {model.lora, *(name for _, name in model.fast_loras)} | ({model.camera_lora} - {""})
    assert names <= LORAS.keys()


def test_a_model_tells_its_lora_for_camera_angles_or_that_it_has_none(hub: Hub, tmp_path: Path) -> None:
    lora = LORAS["multiple-angles"]
    hub.repos[MODELS["qwen-image-edit-2511"].repo] = WHOLE
    hub.repos[lora.repo] = {lora.file: b"angles"}
    weights = find("qwen-image-edit-2511")
    assert weights.phrases == lora.phrases
    assert weights.camera_lora.read_bytes() == b"angles"
    assert find(BUILT_IN).phrases is None
    for name in ("model_index.json", OWN_LORA, OWN_CAMERA_LORA):
        (tmp_path / name).write_text("{}")
    assert find(str(tmp_path)).phrases == lora.phrases
    assert find(str(tmp_path)).camera_lora == tmp_path / OWN_CAMERA_LORA


# The command


def test_the_command_lists_the_table_without_loading_torch() -> None:
    listed = weights_command("list").communicate()[0]
    for model in (*MODELS.values(), *LORAS.values()):
        assert {model.name, model.licence, *model.repo.split()} <= set(listed.split())
    loads_torch = "import sys, weights; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loads_torch], cwd=ROOT).returncode == 0


def test_the_command_prints_where_the_weights_lie(hub: Hub) -> None:
    out, _ = weights_command("fetch", BASE.name, LORA.name).communicate()
    assert out.splitlines() == [str(fetch(BASE.name)), str(fetch(LORA.name))]


def test_the_command_ends_in_one_sentence_where_offline_mode_forbids_a_first_fetch(
    hub: Hub, cache_folder: Path
) -> None:
    process = weights_command("fetch", LORA.name, HF_HUB_OFFLINE="1")
    assert process.communicate() == (
        "",
        f"error: next-scene could not be fetched: it is not complete in {cache_folder}, and HF_HUB_OFFLINE is set: "
        "unset that for the first fetch.\n",
    )
    assert process.returncode == 1
    fetch(LORA.name)
    process = weights_command("fetch", LORA.name, HF_HUB_OFFLINE="1")
    assert process.communicate() == (f"{fetch(LORA.name)}\n", "")


def test_the_size_a_model_draws_best_is_known_without_fetching_it(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").touch()
    assert find("qwen-image-edit-2509").own_size == (1024, 768)
    card = json.loads((find("storybook").folder / "next_scene.json").read_text())
    assert find("storybook").own_size == tuple(card["size"])
    assert find(str(tmp_path)).own_size == (1024, 768)
    (tmp_path / "next_scene.json").write_text('{"size": [320, 240]}')
    assert find(str(tmp_path)).own_size == (320, 240)


@pytest.mark.parametrize(
    "card", ["", "[]", '{"size": 3}', '{"size": [1]}', '{"size": [' + "9" * 5000 + ", 4]}", "[" * 9999]
)
def test_a_damaged_card_in_a_models_folder_is_named(card: str, tmp_path: Path) -> None:
    (tmp_path / "model_index.json").touch()
    (tmp_path / "next_scene.json").write_text(card)
    with pytest.raises(NextSceneError, match=r"next_scene\.json' is not right \("):
        find(str(tmp_path))


# What a record says of the weights


def test_a_model_is_known_by_the_checksums_of_all_its_files(tmp_path: Path, cache_folder: Path) -> None:
    for name, data in {**WHOLE, OWN_LORA: b"lora", "README.md": b"#"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    listed = "".join(f"{hashlib.sha256(WHOLE[name]).hexdigest()}  {name}\n" for name in sorted(WHOLE))
    known = find(str(tmp_path)).identity
    assert known.model_sha256 == hashlib.sha256(listed.encode()).hexdigest()
    assert known.lora_sha256 == hashlib.sha256(b"lora").hexdigest()
    (tmp_path / SHARD).write_bytes(WHOLE[SHARD] + b"!")
    assert find(str(tmp_path)).identity.model_sha256 != known.model_sha256


def test_what_came_from_the_hub_verified_is_not_read_again_to_be_known(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = fetch(BASE.name), find(BASE.name).lora
    listed = "".join(f"{hashlib.sha256(WHOLE[name]).hexdigest()}  {name}\n" for name in sorted(WHOLE))
    read: list[str] = []
    digest = hashlib.file_digest

    def read_and_digest(file: BufferedReader, kind: str) -> object:
        read.append(file.name)
        return digest(file, kind)

    monkeypatch.setattr(hashlib, "file_digest", read_and_digest)
    known = find(BASE.name).identity
    assert known.revision == folder.name
    assert known.model_sha256 == hashlib.sha256(listed.encode()).hexdigest()
    assert known.lora_sha256 == hashlib.sha256(b"lora" * 500).hexdigest()
    assert read
    assert not [name for name in read if name.endswith(".safetensors")]
