import asyncio
import json
import sys
from collections import Counter
from contextlib import asynccontextmanager, suppress

import pytest

BODY = json.dumps({"predictions": [1.0]}).encode()
GOOD = (
    b"HTTP/1.1 200 OK\r\nX-Model-Revision: abc\r\nX-Model-Tag: v1\r\n"
    b"Content-Length: " + str(len(BODY)).encode() + b"\r\n\r\n" + BODY
)


@asynccontextmanager
async def answering(reply):
    """A server that reads one request and calls ``reply(reader, writer)``."""
    rows, serving = [], set()

    async def serve(reader, writer):
        serving.add(asyncio.current_task())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            rows.append(json.loads(await reader.readexactly(length))["rows"][0])
            await reply(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], rows
        await asyncio.gather(*serving, return_exceptions=True)


def says(data):
    async def reply(_reader, writer):
        writer.write(data)
        await writer.drain()

    return reply


async def says_nothing(reader, _writer):
    with suppress(ConnectionError):
        await reader.read()


async def traffic(root, port, *options):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, root / "traffic/traffic.py"),
        *("--url", f"http://127.0.0.1:{port}/predict", *map(str, options)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return [line.split(",") for line in out.decode().splitlines()], err.decode(), process.returncode


async def test_one_line_per_request_at_the_asked_rate(root):
    async with answering(says(GOOD)) as (port, rows):
        lines, summary, code = await traffic(root, port, "--rate", 50, "--duration", 2)
    times = [float(line[0]) for line in lines]
    assert (code, len(lines), len(rows)) == (0, 100, 100)
    assert all(line[2:] == ["200", "abc", "v1", ""] for line in lines)
    assert max(times) - min(times) == pytest.approx(1.98, abs=0.5)
    assert "100 requests (200: 100)" in summary


async def test_a_share_of_the_rows_lacks_an_optional_measurement_by_seed(root, tmp_path):
    file = tmp_path / "rows.json"
    file.write_text(json.dumps({"optional": ["bp"], "rows": [{"bp": 1.0, "age": 50}]}))
    options = ("--rate", 400, "--duration", 1, "--missing", 0.3, "--rows", file)
    seen = []
    for seed in (1, 1, 2):
        async with answering(says(GOOD)) as (port, rows):
            await traffic(root, port, *options, "--seed", seed)
        seen.append(Counter(json.dumps(row) for row in rows))
    assert seen[0] == seen[1] != seen[2]
    assert set(seen[0]) == {'{"bp": 1.0, "age": 50}', '{"bp": null, "age": 50}', '{"age": 50}'}
    assert 0.6 < seen[0]['{"bp": 1.0, "age": 50}'] / 400 < 0.8


@pytest.mark.parametrize(
    ("reply", "status", "error"),
    [
        (b"", "0", "connection closed after 0 bytes"),
        (GOOD[:-3], "0", "answer cut short"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\na, b\n", "500", "a; b"),
    ],
)
async def test_what_goes_wrong_is_said(root, reply, status, error):
    async with answering(says(reply)) as (port, _):
        lines, _, _ = await traffic(root, port, "--rate", 20, "--duration", 0.2)
    assert {line[2] for line in lines} == {status}
    assert all(error in line[5] for line in lines)


async def test_a_refused_connection_is_status_zero(root, free_port):
    lines, _, code = await traffic(root, free_port, "--rate", 20, "--duration", 0.2)
    assert code == 0
    assert {(line[2], line[5].split(":")[0]) for line in lines} == {("0", "ConnectionRefusedError")}


async def test_a_slow_server_does_not_slow_the_rate_and_times_out(root):
    async with answering(says_nothing) as (port, rows):
        options = ("--rate", 50, "--duration", 1, "--timeout", 0.5)
        lines, _, _ = await traffic(root, port, *options)
    assert len(lines) == len(rows) == 50
    assert all(line[5] == "no answer within 0.5 s" for line in lines)


async def test_a_url_that_is_not_http_is_refused(root):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, root / "traffic/traffic.py", "--url", "ftp://x/"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert process.returncode == 2
    assert b"not an http:// URL" in err
