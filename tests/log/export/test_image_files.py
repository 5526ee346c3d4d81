"""Images exported with their recipes, each leading back to its run."""

import io

import pytest
from PIL import Image

from venice_widgets.errors import InvalidRequest
from venice_widgets.log.export import export_images
from venice_widgets.replays.read_recipe import read_recipe


def test_every_image_leads_back_to_its_run(study, tmp_path):
    done = export_images(study.log, tmp_path / "images")
    kept = [
        (record, image)
        for record in study.log.each()
        for image in record.images
        if not study.log.is_deleted(image.sha256)
    ]
    files = list((tmp_path / "images").iterdir())
    assert done.count == len(files) == len(kept)
    found = {(read_recipe(file).run_id, read_recipe(file).recipe.image_sha256) for file in files}
    assert found == {(record.run_id, image.sha256) for record, image in kept}


def test_pixels_are_those_of_the_store(study, tmp_path):
    export_images(study.log, tmp_path, study.log.search(seed=1)[-1:])
    (file,) = (path for path in tmp_path.iterdir() if path.suffix == ".webp")
    original = study.log.objects.read(read_recipe(file).recipe.image_sha256)
    with Image.open(file) as copy, Image.open(io.BytesIO(original)) as first:
        assert copy.tobytes() == first.tobytes()


def test_exporting_twice_overwrites_nothing_and_says_so(study, tmp_path):
    first = export_images(study.log, tmp_path / "images")
    before = {path: path.read_bytes() for path in (tmp_path / "images").iterdir()}
    second = export_images(study.log, tmp_path / "images")
    assert (second.count, len(second.notices)) == (0, first.count)
    assert {path: path.read_bytes() for path in (tmp_path / "images").iterdir()} == before


@pytest.mark.parametrize("metadata", ["none", "no-prompt"])
def test_the_prompt_can_be_kept_out(study, tmp_path, metadata):
    export_images(study.log, tmp_path / "images", metadata=metadata)
    assert not any("狐".encode() in path.read_bytes() for path in (tmp_path / "images").iterdir())


def test_a_word_that_is_not_valid_is_refused(study, tmp_path):
    with pytest.raises(InvalidRequest, match="is not valid"):
        export_images(study.log, tmp_path / "images", metadata="some")
