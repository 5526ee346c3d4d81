import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from venice_widgets.simulator.__main__ import main


def test_it_serves_until_it_is_interrupted():
    command = [sys.executable, "-m", "venice_widgets.simulator", "--port", "0", "--api-key", "KEY", "--fault", "503"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert "offline Venice" in process.stdout.readline()
            export = process.stdout.readline()
            url = re.search(r"VENICE_API_BASE_URL=(\S+)", export)[1]
            assert "VENICE_API_KEY=KEY" in export
            assert httpx.get(f"{url}/image/styles").json()["data"]
            assert httpx.post(f"{url}/image/generate", json={}).status_code == 503
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stderr.read() == ""


def test_a_taken_port_is_reported_in_one_line(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert capsys.readouterr().err.startswith(f"Port {port} cannot be used: ")


@pytest.mark.parametrize("fault", ["501", "500:often"])
def test_a_fault_that_does_not_exist_is_refused(fault, capsys):
    with pytest.raises(SystemExit):
        main(["--fault", fault])
    assert "--fault" in capsys.readouterr().err


def test_the_help_tells_every_fault(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert all(kind in told for kind in ("402-wallet", "seed-mismatch", "hang", "KIND[:TIMES]"))
