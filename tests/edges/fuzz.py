"""Coverage-guided fuzzing of the targets of `fuzz_targets`.

``pip install atheris`` (Python 3.11 to 3.13 on Linux), then ``python tests/edges/fuzz.py TARGET SECONDS [CORPUS]``. An
ending that is not one of our errors is printed once for each place, with its input in base64. It belongs in ``CASES``
of `test_fuzz`.
"""

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["venice_widgets", "ijson.backends"]):
    import fuzz_targets

    from venice_widgets.current import current_session, use_session
    from venice_widgets.session import Session
    from venice_widgets.simulator import Simulator

LONGEST_BYTES = 1 << 14


def main(name: str, seconds: str, corpus: str = "corpus") -> None:
    """Fuzz one target for some seconds, from a corpus that is kept in a folder."""
    folder = Path(corpus).resolve() / name.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(tempfile.mkdtemp())  # completion looks for a store
    use_session(Session(api_key=fuzz_targets.KEY, transport=Simulator().transport()))
    current_session().catalogue()
    with atheris.instrument_imports(include=["venice_widgets", "ijson.backends"]):  # what is imported at first use
        for number, data in enumerate(fuzz_targets.seeds()[name]):
            (folder / f"seed-{number}").write_bytes(data)
            with contextlib.suppress(*fuzz_targets.OUR_ERRORS):
                fuzz_targets.TARGETS[name](data)
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST_BYTES}", "-timeout=120", "-rss_limit_mb=4096"]
    atheris.Setup([sys.argv[0], *options, "-print_final_stats=1", str(folder)], fuzz_targets.Findings(name))
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
