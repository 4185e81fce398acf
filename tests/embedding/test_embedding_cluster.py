"""The workers of a Dask cluster compute what this process alone would have, byte by byte."""

import multiprocessing
import shutil
import socket

import numpy as np
import pytest
from tiny_clip import save_images, save_model

from ferlib.embedding import backbones, cluster, collection
from ferlib.errors import InputError

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")


def collect(manifest, source, folder):
    return collection.collect(manifest, source=source, folder=folder, shard_size=4, batch_size=2)


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """Two worker processes on this machine. Where it can be, torch is imported once for both."""
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with dask.config.set({"distributed.worker.multiprocessing-method": method}):
        distributed.utils.get_mp_context()  # sets what distributed itself would have imported early
        multiprocessing.set_forkserver_preload(["distributed", "ferlib.embedding.cluster"])
        with distributed.LocalCluster(**options, local_directory=str(tmp_path_factory.mktemp("dask"))) as local:
            yield local


def test_workers_compute_what_this_process_would_byte_by_byte(processes, manifest, source, tmp_path, monkeypatch):
    alone = collect(manifest, source, tmp_path / "alone")
    monkeypatch.setenv(cluster.VARIABLE, processes.scheduler_address)
    monkeypatch.setattr(backbones, "embed_groups", None)  # not in this process
    found = collect(manifest, source, tmp_path / "cluster")
    assert found.computed == len(manifest)
    np.testing.assert_array_equal(found.vectors, alone.vectors)
    assert files_of(tmp_path / "cluster") == files_of(tmp_path / "alone")
    with distributed.Client(processes) as client:
        assert sum(client.run(lambda: cluster._loaded.cache_info().currsize).values()) >= 1


def test_an_image_that_a_worker_cannot_use_is_named(processes, source, tmp_path, monkeypatch):
    monkeypatch.setenv(cluster.VARIABLE, processes.scheduler_address)
    images = save_images(tmp_path / "images", 5)
    (tmp_path / "images" / "4.png").write_bytes(b"x")
    with pytest.raises(InputError, match="4.png.*not the one that the manifest lists"):
        collect(images, source, tmp_path / "kept")
    assert collect(images.iloc[:4], source, tmp_path / "kept").reused in (0, 4)


def test_a_worker_with_other_weights_is_refused(processes, manifest, tmp_path, monkeypatch):
    monkeypatch.setenv(cluster.VARIABLE, processes.scheduler_address)
    source = save_model(tmp_path / "other", seed=1), ""
    load = backbones.load_backbone

    def load_and_swap(*arguments, **options):
        backbone = load(*arguments, **options)
        save_model(tmp_path / "other", seed=2)
        return backbone

    monkeypatch.setattr(backbones, "load_backbone", load_and_swap)
    with pytest.raises(InputError, match="this worker's weights_sha256 of local-dir:.*other"):
        collect(manifest, source, tmp_path / "kept")


def test_a_scheduler_that_does_not_answer_is_an_error_that_says_what_to_do(manifest, source, tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv(cluster.VARIABLE, address)
    monkeypatch.setattr(cluster, "PATIENCE_S", 1)
    with pytest.raises(InputError, match=f"DASK_SCHEDULER_ADDRESS is '{address}': no scheduler answers.*unset"):
        collect(manifest, source, tmp_path)


def test_a_scheduler_without_workers_is_an_error(manifest, source, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE_S", 1)
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0", local_directory=str(tmp_path)) as empty:
        monkeypatch.setenv(cluster.VARIABLE, empty.scheduler_address)
        with pytest.raises(InputError, match="has no workers. Start some by `dask worker"):
            collect(manifest, source, tmp_path / "kept")


def test_without_the_package_the_error_names_the_extra(manifest, source, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    monkeypatch.setenv(cluster.VARIABLE, "tcp://127.0.0.1:1")
    with pytest.raises(InputError, match=r"`distributed` is not installed.*\.\[dask\]"):
        collect(manifest, source, tmp_path)


def test_when_everything_is_there_no_cluster_is_asked(manifest, source, tmp_path, monkeypatch):
    collect(manifest, source, tmp_path)
    monkeypatch.setenv(cluster.VARIABLE, "tcp://127.0.0.1:1")
    assert collect(manifest, source, tmp_path).reused == len(manifest)
    shutil.rmtree(tmp_path)
