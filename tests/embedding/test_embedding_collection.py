"""Every embedding is computed once, as open_clip computes it, and found again as long as it is the right one."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_clip import CONFIG, save_images, save_model

from ferlib.embedding import backbones, collection
from ferlib.embedding.files import Shards
from ferlib.errors import InputError

pytestmark = pytest.mark.usefixtures("processor")


def collect(manifest, source, folder, **options):
    return collection.collect(manifest, source=source, folder=folder, **{"shard_size": 4, "batch_size": 2, **options})


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def first(manifest, source, tmp_path_factory, processor):
    """A cold run: its result and its folder. Tests that change the folder take a copy."""
    folder = tmp_path_factory.mktemp("cold")
    return collect(manifest, source, folder), folder


@pytest.fixture
def folder(first, tmp_path):
    return shutil.copytree(first[1], tmp_path / "copy")


def test_a_cold_run_computes_every_image_as_the_backbone_does(first, manifest, source):
    found, folder = first
    expected = backbones.embed_images(manifest["path"].tolist(), backbones.load_backbone(source[0]))
    np.testing.assert_allclose(found.vectors, expected, atol=1e-6)
    assert (found.computed, found.reused, found.damaged) == (10, 0, [])
    assert len(list(folder.rglob("*.safetensors"))) == 3


def test_a_warm_run_computes_nothing_and_does_not_even_load_the_backbone(first, manifest, source, folder, monkeypatch):
    monkeypatch.setattr(backbones, "load_backbone", None)
    again = collect(manifest, source, folder)
    assert (again.computed, again.reused) == (0, 10)
    np.testing.assert_array_equal(again.vectors, first[0].vectors)
    assert again.recipe == first[0].recipe and files_of(folder) == files_of(first[1])


def test_a_bar_shows_how_far_it_is_and_how_fast_and_none_when_nothing_is_to_do(manifest, source, tmp_path, capfd):
    collect(manifest.iloc[:4], source, tmp_path)
    capfd.readouterr()
    collect(manifest, source, tmp_path)
    shown = capfd.readouterr().err
    assert "4/10" in shown and "10/10" in shown and "image/s" in shown
    collect(manifest, source, tmp_path)
    assert capfd.readouterr().err == ""


def test_two_cold_runs_leave_the_same_bytes(first, manifest, source, tmp_path):
    collect(manifest, source, tmp_path)
    assert files_of(tmp_path) == files_of(first[1])


def test_images_added_removed_and_reordered_cost_only_what_is_missing(first, manifest, source, folder, tmp_path):
    new = save_images(tmp_path / "new", 3, seed=1)
    other = manifest.iloc[[7, 1, 2]]
    mixed = new.iloc[[0]].merge(other, how="outer", sort=False).merge(new.iloc[1:], how="outer", sort=False)
    mixed = mixed.sample(frac=1, random_state=0)
    found = collect(mixed, source, folder)
    assert (found.computed, found.reused) == (3, 3)
    alone = collect(mixed, source, tmp_path / "alone")
    np.testing.assert_allclose(found.vectors, alone.vectors, atol=1e-6)


def test_the_same_image_twice_is_computed_once(manifest, source, tmp_path):
    found = collect(manifest.iloc[[0, 1, 0]], source, tmp_path)
    assert found.computed == 2
    np.testing.assert_array_equal(found.vectors[0], found.vectors[2])


def test_a_flipped_byte_is_reported_and_its_images_computed_again(first, manifest, source, folder):
    shard = sorted(folder.rglob("*.safetensors"))[1]
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    found = collect(manifest, source, folder)
    assert found.damaged == [shard] and 2 <= found.computed <= 4
    np.testing.assert_array_equal(found.vectors, first[0].vectors)
    assert files_of(folder) == files_of(first[1])


def test_a_run_that_was_cut_off_goes_on_where_it_was(first, manifest, source, tmp_path, monkeypatch):
    write, written = Shards.write, []

    def cut_off(self, *content):
        if written:
            raise KeyboardInterrupt
        written.append(write(self, *content))

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Shards, "write", cut_off)
        collect(manifest, source, tmp_path)
    found = collect(manifest, source, tmp_path)
    assert (found.computed, found.reused) == (6, 4)
    assert files_of(tmp_path) == files_of(first[1])


@pytest.mark.parametrize("change", ["weights", "preprocessing", "architecture"])
def test_what_is_changed_in_place_is_noticed(source, manifest, folder, tmp_path, change, first):
    place = Path(source[0].removeprefix(backbones.LOCAL))
    kept = shutil.copytree(place, tmp_path / "kept")
    config = CONFIG
    if change == "preprocessing":
        config = {**CONFIG, "preprocess_cfg": {**CONFIG["preprocess_cfg"], "mean": [0.4] * 3}}
    elif change == "architecture":
        config = {**CONFIG, "model_cfg": {**CONFIG["model_cfg"], "quick_gelu": True}}
    try:
        save_model(place, seed=int(change == "weights"), config=config)
        found = collect(manifest, source, folder)
        expected = backbones.embed_images(manifest["path"].tolist(), backbones.load_backbone(source[0]))
    finally:
        shutil.copytree(kept, place, dirs_exist_ok=True)
    assert (found.computed, found.reused) == (10, 0)
    np.testing.assert_allclose(found.vectors, expected, atol=1e-6)
    assert not np.allclose(found.vectors, first[0].vectors, atol=1e-3)


def test_the_same_weights_in_another_place_find_what_there_is(source, manifest, folder, tmp_path):
    copy = shutil.copytree(source[0].removeprefix(backbones.LOCAL), tmp_path / "elsewhere" / "tiny")
    assert collect(manifest, (f"local-dir:{copy}", ""), folder).reused == 10


def test_a_damaged_memory_of_backbones_costs_a_load_and_nothing_else(source, manifest, folder):
    (path,) = (folder / "known").iterdir()
    path.write_bytes(path.read_bytes()[:-40])
    assert collect(manifest, source, folder).reused == 10


def test_images_changed_since_the_manifest_are_an_error_and_spoil_nothing(source, manifest, tmp_path):
    stale = manifest.assign(sha256=manifest["sha256"].iloc[::-1].to_numpy())
    with pytest.raises(InputError, match="not the one that the manifest lists"):
        collect(stale, source, tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize("name, value", [("batch_size", 0), ("shard_size", 0), ("readers", -1)])
def test_a_number_that_is_too_small_is_refused(source, manifest, tmp_path, name, value):
    with pytest.raises(InputError, match=f"{name} is {value}. Allowed: {value + 1} or more"):
        collect(manifest, source, tmp_path, **{name: value})
