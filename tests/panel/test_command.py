import subprocess
import sys

import venice_widgets
from venice_widgets import current
from venice_widgets.notebook.commands import run_command
from venice_widgets.panel import Panel


def test_the_command_opens_a_panel_with_the_default_or_the_named_model(session):
    session.catalogue()
    assert run_command(None, "panel").to_cell().startswith("%%venice --model z-image-turbo")
    opened = run_command(None, "panel gpt-image-2")
    assert isinstance(opened, Panel)
    assert opened.to_cell().startswith("%%venice --model gpt-image-2")


def test_its_panel_follows_the_session_in_use(session, wire):
    opened = run_command(None, "panel")
    current.use_demo(on=True)
    opened._controller.receive({"type": "refresh", "view": "a", "n": 1})
    assert opened._controller.session.settings.demo
    opened.close()


def test_an_alias_is_resolved_to_its_id_before_anything_is_priced(session):
    session.catalogue()
    assert Panel(model="fastest").to_cell().startswith("%%venice --model z-image-turbo")


def test_the_panel_is_a_name_of_the_package():
    assert venice_widgets.Panel is Panel


def test_registering_the_command_does_not_import_widgets():
    code = (
        "import sys, venice_widgets.notebook.commands; print('ipywidgets' in sys.modules, 'anywidget' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False False"
