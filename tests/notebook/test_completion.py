"""Completion of options and of the values valid for the model on the line, from what is at hand."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IPython.core import completer
from IPython.core.completer import provisionalcompleter

from venice_widgets import current
from venice_widgets.client.catalogue_cache import newest_copy
from venice_widgets.notebook import completion
from venice_widgets.notebook.cell_options import cell_parser
from venice_widgets.notebook.commands import COMMANDS
from venice_widgets.notebook.completion import add_matcher, complete, remove_matcher
from venice_widgets.session import Session

SEES_THE_CELL = hasattr(completer, "SimpleCompletion")
"""Before IPython 8.6 a matcher sees the line alone, and its completions have no type."""
OUR_TYPE = "venice" if SEES_THE_CELL else "<unknown>"


class NoNetwork:
    """A transport that must not be used."""

    def handle_request(self, request):
        pytest.fail(f"{request.url} was asked for while somebody typed")

    def close(self):
        pass


@pytest.fixture
def catalogue(session):
    """The catalogue in memory, and no way to fetch another."""
    found = session.catalogue()
    session.client.channel = session.client.get = lambda *_, **__: pytest.fail("asked while somebody typed")
    return found


@pytest.fixture
def offered(shell):
    """What IPython offers at the end of a cell, put in place; ours alone, or all."""

    def at_the_end_of(cell, cursor=None, *, ours=True):
        cursor = len(cell) if cursor is None else cursor
        with provisionalcompleter():
            found = list(shell.Completer.completions(cell, cursor))
        return [
            cell[: each.start] + each.text + cell[each.end :] for each in found if not ours or each.type == OUR_TYPE
        ]

    return at_the_end_of


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("%%venice --neg", ["%%venice --negative-prompt"]),
        ("%%venice --no-s", ["%%venice --no-safe-mode"]),
        ("%%venice --seed 1 --dry", ["%%venice --seed 1 --dry-run"]),
        ("%%venice -m qwen-image-", ["%%venice -m qwen-image-2", "%%venice -m qwen-image-3-pro"]),
        ("%%venice --model=fast", ["%%venice --model=fastest"]),
        ("%%venice -m=fast", ["%%venice -m=fastest"]),
        ("%%venice --model WAI", ["%%venice --model wai-Illustrious"]),
        ("%%venice -m gpt-image-2 -r ", [f"%%venice -m gpt-image-2 -r {tier}" for tier in ("1K", "2K", "4K")]),
        ("%%venice -m gpt-image-2 -q ", [f"%%venice -m gpt-image-2 -q {name}" for name in ("low", "medium", "high")]),
        ("%%venice --model gpt-image-2 --aspect-ratio=16:", ["%%venice --model gpt-image-2 --aspect-ratio=16:9"]),
        ("%%venice -m 'gpt-image-2' -a 16:", ["%%venice -m 'gpt-image-2' -a 16:9"]),
        ("%%venice -m grok-imagine-image -a 19.5", ["%%venice -m grok-imagine-image -a 19.5:9"]),
        ("%%venice -m grok-imagine-image -a 9:1", [f"%%venice -m grok-imagine-image -a 9:{x}" for x in ("16", "19.5")]),
        ("%%venice -m fastest -a ", []),
        ("%%venice -m nonsense -a ", []),
        ("%%venice --style-preset Ana", ['%%venice --style-preset "Analog Film"']),
        ('%%venice --style-preset="Analog F', ['%%venice --style-preset="Analog Film"']),
        ("%%venice --style-preset 'Analog F", ['%%venice --style-preset "Analog Film"']),
        ('%%venice --style-preset "Analog Film" --form', ['%%venice --style-preset "Analog Film" --format']),
        ("%%venice --format ", [f"%%venice --format {name}" for name in ("jpeg", "png", "webp")]),
        ("%%venice --safe-mode --form", ["%%venice --safe-mode --format"]),
        ('%%venice --negative-prompt "--model gpt-image-2" -m z-image-turbo -q ', []),
        ("\n%%venice --neg", ["\n%%venice --negative-prompt"]),
        ("%%time\n%%venice --neg", ["%%time\n%%venice --negative-prompt"]),
        ("%%venice\nA fox --neg", []),
        ("%%venice\n%%venice --neg", []),
        ("x = 1\n%%venice --neg", []),
        ("%%venicex --neg", []),
        ("%%venice", []),
        ("%venice mod", ["%venice models", "%venice model"]),
        ("%venice model z-im", ["%venice model z-image-turbo"]),
        ("x = 1\n%venice model z-im", ["x = 1\n%venice model z-image-turbo"]),
        ("listed = %venice model z-im", ["listed = %venice model z-image-turbo"]),
        ("%venice models --ref", ["%venice models --references", "%venice models --refresh"]),
        ("%venice models --sized t", ["%venice models --sized tiers"]),
        ("%venice models --max-price ", []),
        ("%venice demo o", ["%venice demo on", "%venice demo off"]),
        ("%venice nonsense ", []),
    ],
)  # fmt: skip
def test_what_is_offered_is_valid_for_the_model_on_the_line(catalogue, offered, typed, completed):
    if not SEES_THE_CELL and (not completed or "\n" in typed or "'Analog" in typed):
        pytest.skip("a matcher of IPython before 8.6 sees the line alone, and others offer where it does not")
    assert sorted(offered(typed)) == sorted(completed)


def test_the_model_may_stand_behind_the_cursor(catalogue, offered):
    cell = "%%venice -q m --model gpt-image-2\nA fox"
    assert offered(cell, len("%%venice -q m")) == ["%%venice -q medium --model gpt-image-2\nA fox"]


def test_every_option_and_every_command_is_offered(catalogue, offered):
    assert sorted(offered("%%venice --")) == sorted(f"%%venice {flag}" for flag in cell_parser().flags)
    assert sorted(offered("%venice ")) == sorted(f"%venice {name}" for name in COMMANDS)


def test_options_that_mean_nothing_to_the_model_on_the_line_are_not_offered(catalogue):
    of_tiers, of_pixels = (complete("%%venice", f" -m {name} --")[1] for name in ("gpt-image-2", "z-image-turbo"))
    assert {"--resolution", "--quality", "--aspect-ratio"} <= set(of_tiers) - set(of_pixels)
    assert {"--width", "--height"} <= set(of_pixels) - set(of_tiers)
    assert not [flag for flag in of_pixels if "web-search" in flag]
    of_some = {flag for model in catalogue.models for flag in complete("%%venice", f" --model {model.id} --")[1]}
    assert of_some == set(cell_parser().flags)


def test_every_model_that_makes_images_is_offered_and_every_trait(catalogue):
    _, values = complete("%%venice", " --model ")
    assert set(values) == {model.id for model in catalogue.models if model.generates} | set(catalogue.traits)


@pytest.mark.usefixtures("catalogue")
def test_every_value_offered_is_accepted(session):
    for model in [model for model in session.catalogue().models if model.generates and not model.offline]:
        for option, name in (("-r", "resolution"), ("-q", "quality"), ("-a", "aspect_ratio")):
            for value in complete("%%venice", f" -m {model.id} {option} ")[1]:
                session.build("A fox", model=model.id, seed=1, **{name: value})


def test_nothing_is_fetched_and_nothing_fails_where_no_catalogue_is_at_hand(offered):
    current.use_session(Session(api_key="VENICE_INFERENCE_KEY_0123456789abcdef", transport=NoNetwork()))
    assert offered("%%venice --model z") == []
    assert offered("%%venice --neg") == ["%%venice --negative-prompt"]


def test_a_copy_on_disk_is_enough(catalogue, session, offered):
    current.use_session(Session(api_key=session.settings.api_key, transport=NoNetwork()))
    assert offered("%%venice --model z-im") == ["%%venice --model z-image-turbo"]


def test_the_demo_completes_too(offered):
    current.use_session(Session(demo=True))
    assert offered("%%venice --model z-im") == ["%%venice --model z-image-turbo"]


def test_a_setting_that_cannot_be_used_does_not_disturb_who_types(offered, monkeypatch):
    monkeypatch.setenv("VENICE_MAX_COST", "lots")
    assert offered("%%venice --model z") == []


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet="-=mdegpt \"'\\:19.,sva\t🦊", max_size=30), magic=st.sampled_from(["%%venice", "%venice"]))
def test_whatever_is_typed_the_fragment_is_its_end_and_every_value_goes_on_from_it(catalogue, text, magic):
    fragment, values = complete(magic, f" {text}")
    assert f" {text}".endswith(fragment)
    bare = fragment.lstrip("\"'").casefold()
    assert all(value.lstrip("\"'").casefold().startswith(bare) for value in values)


def test_an_error_of_ours_is_never_shown_to_who_types(shell, offered, monkeypatch, capsys):
    monkeypatch.setattr(completion, "complete", lambda *_: 1 / 0)
    assert offered("%%venice --neg") == []
    assert not capsys.readouterr().err


@pytest.mark.parametrize("typed", ["impor", "%loa", "%%tim", "'abc'.upp", "x = 1\nprin"])
def test_other_completions_are_untouched(shell, offered, typed):
    with_us = offered(typed, ours=False)
    shell.run_line_magic("unload_ext", "venice_widgets")
    assert with_us
    assert offered(typed, ours=False) == with_us


def test_it_is_there_once_after_reloading_and_gone_after_unloading(shell, offered):
    shell.run_line_magic("reload_ext", "venice_widgets")
    shell.run_line_magic("reload_ext", "venice_widgets")
    assert offered("%%venice --neg") == ["%%venice --negative-prompt"]
    shell.run_line_magic("unload_ext", "venice_widgets")
    assert not offered("%%venice --neg")


@pytest.mark.parametrize("shell_without", [object(), type("Old", (), {"Completer": object()})()])
def test_a_shell_that_knows_no_matchers_is_left_as_it_is(shell_without):
    add_matcher(shell_without)
    remove_matcher(shell_without)


def offers(shell, text):
    """What a real shell offers, with what it says of each."""
    with provisionalcompleter():
        return {each.text: each.type for each in shell.Completer.completions(text, len(text))}


@pytest.mark.skipif(not SEES_THE_CELL, reason="completions have no type")
def test_runs_are_offered_with_their_prompts(shell, session):
    assert "last" in offers(shell, "%venice show ")
    run = session.generate("A red fox\nat night", seed=1).runs[0].run_id[-8:]
    for command in ("show", "replay"):
        assert offers(shell, f"%venice {command} ")[run] == "A red fox at night"
        assert list(offers(shell, f"%venice {command} {run[:4].lower()}")) == [run]
    assert run not in offers(shell, "%venice price ")


def test_ratios_are_offered_also_where_the_default_model_takes_none(shell, session):
    session.catalogue()
    found = offers(shell, "%%venice --aspect-ratio ")
    assert "16:9" in found
    assert "abs" not in found


def test_tab_never_asks_a_keyring(shell, ring):
    current.use_session(Session())
    for text in ("%%venice --model ", "%%venice --aspect-ratio ", "%venice show ", "%venice price ", "%%venice --q"):
        offers(shell, text)
    assert ring.asked == 0


def test_tab_finds_the_stored_list_of_models_without_a_key(shell, ring, session, monkeypatch):
    session.catalogue()
    found = newest_copy(session.settings.store, session.settings.base_url)
    assert found.find("z-image-turbo").id == "z-image-turbo"
    current.use_session(Session())
    assert "z-image-turbo" in offers(shell, "%%venice --model z-im")
    assert ring.asked == 0
