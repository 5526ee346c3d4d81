"""Commands and cells display also where their value is thrown away."""

import pytest
from IPython.core.error import UsageError

pytestmark = pytest.mark.usefixtures("session")


def test_commands_display_wherever_they_stand_and_a_value_that_is_assigned_does_not(shell, capsys):
    shell.run_cell(
        "%venice price chroma\n%venice price z-image-turbo\nkept = %venice price qwen-image-2\n"
        "for model in ('flux-2-pro', 'ideogram-v4'):\n    get_ipython().run_line_magic('venice', 'price {{ model }}')\n"
        "1"
    ).raise_error()
    shown = capsys.readouterr().out
    assert all(f"of {name}" in shown for name in ("chroma", "z-image-turbo", "flux-2-pro", "ideogram-v4"))
    assert "of qwen-image-2" not in shown
    assert "of qwen-image-2" in shell.user_ns["kept"].data["text/plain"]


def test_the_last_command_of_a_cell_is_its_result(shell, capsys):
    result = shell.run_cell("%venice price chroma").result
    assert "chroma" in result.data["text/plain"]
    assert capsys.readouterr().out.count("Price of") == 1


def test_cells_in_a_loop_show_their_images(shell, capsys):
    shell.run_cell(
        "for seed in (7, 9):\n    get_ipython().run_cell_magic('venice', '--seed {{ seed }}', 'A fox')"
    ).raise_error()
    shown = capsys.readouterr().out
    assert "seed 7" in shown
    assert "seed 9" in shown


def test_a_script_of_commands_shows_them_all(shell, capsys, tmp_path):
    (tmp_path / "look.ipy").write_text("%venice price chroma\n%venice price z-image-turbo\n")
    shell.safe_execfile_ipy(str(tmp_path / "look.ipy"), raise_exceptions=True)
    shown = capsys.readouterr().out
    assert "of chroma" in shown
    assert "of z-image-turbo" in shown


@pytest.mark.parametrize("line", ["A fox at night", "fox", "-m z-image-turbo"])
def test_a_prompt_after_a_single_percent_sign_is_answered_with_the_cell(shell, line):
    with pytest.raises(
        UsageError, match=r"Images are made by a cell that begins with %%venice|there is no command 'fox'"
    ):
        shell.run_line_magic("venice", line)
