"""What stays in the notebook."""

import json

import venice_widgets
from venice_widgets.panel.saved import Shelf


def shelf_of(person) -> Shelf:
    return Shelf.of(person.panel.generation, tuple(person.panel._shelves.gallery.pinned.values()))


def test_the_record_in_the_notebook_is_the_one_that_a_cell_writes(open_panel):
    person = open_panel(images=2)
    person.click("Generate")
    person.settle()
    record = shelf_of(person).bundle().metadata["venice"]
    assert record == person.panel.generation.record()
    assert json.loads(json.dumps(record)) == record


def test_the_prompt_that_no_cell_tells_stands_there_once(open_panel):
    person = open_panel(prompt="A fox at night", images=2)
    person.click("Generate")
    person.settle()
    assert shelf_of(person).bundle().data["text/html"].count(">A fox at night<") == 1


def test_a_pinned_picture_stays_when_the_next_generation_comes_with_its_own_prompt(open_panel):
    person = open_panel(prompt="A fox")
    person.click("Generate")
    person.settle()
    first = person.panel.generation.images[0]
    person.click("More")
    person.click("Pin")
    person.settle()
    assert "pinned" in person.text()
    person.set("Prompt", "A crow")
    person.click("Generate")
    person.settle()
    shelf = person.panel._shelf
    assert shelf.images == (*person.panel.generation.images, first)
    markup = shelf.bundle().data["text/html"]
    assert "A fox" in markup
    assert "A crow" in markup


def test_pinning_what_the_output_already_holds_writes_nothing(open_panel, monkeypatch):
    person = open_panel()
    person.click("Generate")
    person.settle()
    written: list[object] = []
    monkeypatch.setattr(person.panel._saved, "show", written.append)
    person.click("More")
    person.click("Pin")
    person.settle()
    assert written == []


def test_what_is_missing_stands_in_the_output_with_what_became_of_its_money(open_panel, simulator):
    from venice_widgets.simulator import Fault

    simulator.add_fault(Fault("violation", nth=2))
    person = open_panel(images=2)
    person.click("Generate")
    person.settle()
    assert "refused by the content policy, not charged" in shelf_of(person).bundle().data["text/html"]


def test_markup_in_a_prompt_is_text(open_panel):
    person = open_panel(prompt="<script>alert(1)</script>")
    person.click("Generate")
    person.settle()
    person.set("Show", "History")
    person.settle()
    assert "<script" not in shelf_of(person).bundle().data["text/html"]
    assert "<script" not in person.text()


def test_a_picture_is_saved_beside_the_notebook_and_never_over_another(open_panel, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    person = open_panel(seed=7)
    person.click("Generate")
    person.settle()
    person.click("More")
    person.click("Save")
    person.settle()
    files = list(tmp_path.glob("z-image-turbo-7-*.webp"))
    assert len(files) == 1
    assert "Saved as" in person.text()
    assert venice_widgets.read_recipe(files[0]).recipe.request["seed"] == 7
    person.click("Save")
    person.settle()
    assert "exists, and nothing is overwritten" in person.text()
