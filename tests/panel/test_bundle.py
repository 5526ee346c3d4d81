"""The modules of the view stand together as one: no import left, no name twice, and Node reads it where it is there."""

import re
import shutil
import subprocess
from collections import Counter

import pytest

from venice_widgets.panel.bundle import MAIN, VIEW, script, style

MODULES = sorted(VIEW.glob("*.js"))


def test_every_module_is_in_it_once_and_no_import_is_left():
    text = script()
    assert not re.search(r"^import\b", text, re.MULTILINE)
    assert re.findall(r"^export .*", text, re.MULTILINE) == ["export default {"]
    for module in MODULES:
        for name in re.findall(r"^export (?:class|const|function) (\w+)", module.read_text("utf-8"), re.MULTILINE):
            assert len(re.findall(rf"^(?:class|const|function|async function) {name}\b", text, re.MULTILINE)) == 1, name


def test_no_top_level_name_stands_in_two_modules():
    found = Counter(
        name
        for module in MODULES
        for name in re.findall(
            r"^(?:export )?(?:async )?(?:class|const|let|function) (\w+)", module.read_text("utf-8"), re.MULTILINE
        )
    )
    assert [name for name, count in found.items() if count > 1] == []


def test_modules_are_short_and_each_but_the_main_one_is_imported():
    imported = set(
        re.findall(r'from "\./([\w.]+)"|^import "\./([\w.]+)"', "".join(m.read_text() for m in MODULES), re.MULTILINE)
    )
    names = {name for pair in imported for name in pair}
    for module in MODULES:
        assert len(module.read_text("utf-8").splitlines()) <= 300, module.name
        assert module.name in names | {MAIN}, module.name


def test_the_view_knows_no_rule_of_prices_models_or_money():
    code = script()
    assert not re.search(r"\bprice\w*\s*[-+*/<>]", code)
    assert "z-image" not in code
    assert "gpt-image" not in code
    assert not re.search(r"\$0|\busd\b", code, re.IGNORECASE)


def test_node_reads_it(tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    joined = tmp_path / "panel.mjs"
    joined.write_text(script(), "utf-8")
    assert subprocess.run([node, "--check", joined], capture_output=True, text=True, check=False).stderr == ""


def test_style_sheets_are_all_there_and_touch_only_the_panel():
    text = re.sub(r"/\*.*?\*/", "", style(), flags=re.DOTALL)
    selectors = re.findall(r"(?:^|\})\s*([^{}@]+)\{", text)
    odd = [each.strip() for each in selectors if not re.search(r"venice|vw-|^\s*(to|from)|aria-busy", each)]
    assert odd == []
