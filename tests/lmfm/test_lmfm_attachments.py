"""What an image file says beside its pixels, such as where it was taken, stays here; what is sent has its own hash."""

import base64
import hashlib
import io

import numpy as np
import pandas as pd
import pytest
from lmfm_helpers import plan_for
from PIL import Image, ImageCms, PngImagePlugin
from test_lmfm_shapes import NAMES, SHAPES, model_for, serve  # noqa: F401

from ferlib.lmfm import attachments, run, store

PLACE, WORDS = b"N 47 22 E 8 33", "photographed at the clinic"
PIXELS = np.kron(np.random.default_rng(1).integers(0, 256, (3, 2, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(kind, *, told=True, turn=1):
    """A file of random pixels, with or without EXIF, XMP, a comment and, in any case, a colour profile."""
    how, exif, file = {"icc_profile": PROFILE}, Image.Exif(), io.BytesIO()
    exif[0x0112], exif[0x8825] = turn, {1: "N", 2: (47.0, 22.0, 0.0), 29: "2026:01:02"}
    exif[0x010E] = PLACE.decode()
    if told:
        how |= {"exif": exif.tobytes(), "xmp": WORDS.encode(), "comment": WORDS}
    if kind == "PNG":
        how["pnginfo"] = PngImagePlugin.PngInfo()
        if told:
            how["pnginfo"].add_itxt("XML:com.adobe.xmp", WORDS)
            how["pnginfo"].add_text("Comment", WORDS, zip=False)
    Image.fromarray(PIXELS).save(file, kind, **({"lossless": True} if kind == "WEBP" else {}), **how)
    return file.getvalue()


def manifest_of(folder, data):
    path = folder / "face"
    path.write_bytes(data)
    row = ("demo", "face", str(path), hashlib.sha256(data).hexdigest(), "anger")
    return pd.DataFrame([row], columns=["dataset", "image_id", "path", "sha256", "emotion"])


def sent(folder, data, **how):
    row = manifest_of(folder, data).iloc[0]
    return attachments.payload(row["path"], sha256=row["sha256"], **how)[0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_a_file_tells_beside_its_pixels_is_not_sent(tmp_path, kind):
    told, plain = picture(kind), picture(kind, told=False)
    assert PLACE in told and WORDS.encode() in told
    data = sent(tmp_path, told)
    assert PLACE not in data and WORDS.encode() not in data and b"2026:01:02" not in data
    with Image.open(io.BytesIO(data)) as after, Image.open(io.BytesIO(told)) as before:
        assert after.format == kind and not after.getexif() and after.info["icc_profile"] == PROFILE
        assert np.array_equal(np.asarray(after), np.asarray(before))  # not compressed a second time
    assert sent(tmp_path, plain) == plain, "a file that tells nothing is sent byte for byte"
    assert sent(tmp_path, plain + b"trailer " + PLACE) == plain


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photograph_that_exif_turns_is_sent_upright(tmp_path, kind):
    with Image.open(io.BytesIO(sent(tmp_path, picture(kind, turn=6)))) as image:
        assert image.size == (24, 16) and not image.getexif() and image.format == kind
        error = np.asarray(image.convert("RGB")).astype(int) - np.rot90(PIXELS, -1)
        assert abs(error).mean() < (15 if kind == "JPEG" else 0.01)


def test_of_several_pictures_in_a_file_the_first_is_sent(tmp_path):
    file, second = io.BytesIO(), Image.new("RGB", (16, 24), "red")
    Image.fromarray(PIXELS).save(file, "MPO", save_all=True, append_images=[second])
    data = sent(tmp_path, file.getvalue())
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG" and data.count(b"\xff\xd8") == 1 and len(data) < len(file.getvalue())


def test_progressive_files_keep_all_their_scans(tmp_path):
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "JPEG", progressive=True)
    assert file.getvalue().count(b"\xff\xda") > 1 and sent(tmp_path, file.getvalue()) == file.getvalue()


def test_a_file_that_is_not_built_as_it_should_be_is_written_anew(tmp_path):
    odd = picture("JPEG")[:20] + bytes(4) + picture("JPEG")[20:]  # behind the first segment
    data = sent(tmp_path, odd)
    assert PLACE not in data and Image.open(io.BytesIO(data)).size == (16, 24)


def test_the_address_has_the_hash_of_the_bytes_that_were_sent_and_a_replay_needs_no_image(serve, tmp_path):  # noqa: F811
    server, folder = serve(lambda number, content: SHAPES[NAMES.index("chat-stop")]), tmp_path / "r"
    model = model_for(server, SHAPES[0], image_format="")
    plans = {}
    for told in (True, False):
        manifest = manifest_of(tmp_path, picture("JPEG", told=told))
        plan = plan_for(manifest, model, sent=attachments.Sent(folder))
        answers = run.ask(plan, store.Store(folder), progress=False)
        body = server.requests[-1][1]["messages"][0]["content"][1]["image_url"]["url"]
        data = base64.b64decode(body.partition(",")[2])
        settings = store.Store(folder).get(answers["response_id"][0])["question"]["settings"]
        digest = hashlib.sha256(data).hexdigest()
        assert PLACE not in data and settings.get("image") == ({"format": "", "sha256": digest} if told else None)
        assert (plan_for(manifest, model).questions["response_id"][0] == answers["response_id"][0]) != told
        plans[answers["response_id"][0]] = manifest
    (tmp_path / "face").unlink()
    for key, manifest in plans.items():
        again = plan_for(manifest, model, sent=attachments.Sent(folder))
        assert list(again.questions["response_id"]) == [key]
