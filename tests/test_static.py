"""Files from outside: what curl, a browser and a download manager ask of a directory."""
import gzip
import http.client
import os
import pathlib
import re
import socket
import subprocess
import threading

import pytest

import program

MIB = 1 << 20
BIG = 1 << 30


@pytest.fixture
def folder(tmp_path):
    served = tmp_path / "served"
    (served / "css").mkdir(parents=True)
    (served / "index.html").write_text("<p>front")
    (served / "css" / "index.html").write_text("<p>styles")
    (served / "css" / "main.css").write_text("body { color: red }\n" * 500)
    (served / "data.bin").write_bytes(os.urandom(3 * MIB + 17))
    (served / "page.html").write_text("<p>" + "text " * 5000)
    with gzip.open(served / "page.html.gz", "wt") as packed:
        packed.write((served / "page.html").read_text())
    (tmp_path / "served-not").mkdir()
    (tmp_path / "served-not" / "secret").write_text("secret")
    (served / "link").symlink_to(tmp_path / "served-not" / "secret")
    return served


@pytest.fixture
def files(start, folder):
    return start("files", "--directory", folder)


def ask(files, method, target, headers=None):
    """-> (answer, body)"""
    connection = http.client.HTTPConnection("127.0.0.1", files.port, timeout=program.PATIENCE)
    try:
        connection.request(method, target, headers=headers or {})
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def curl(files, target, *arguments):
    return subprocess.run(["curl", "-sS", "--path-as-is", "--max-time", "30", *arguments,
                           f"http://127.0.0.1:{files.port}{target}"], capture_output=True, check=True).stdout


def test_whole_files(files, folder):
    for name in ("data.bin", "css/main.css"):
        answer, body = ask(files, "GET", "/" + name)
        assert answer.status == 200 and body == (folder / name).read_bytes()
    answer, body = ask(files, "HEAD", "/data.bin")
    assert (answer.status, answer.headers["Content-Length"], body) == (200, str(3 * MIB + 17), b"")
    assert ask(files, "GET", "/")[1] == b"<p>front"
    answer, _ = ask(files, "GET", "/css?x=1")
    assert (answer.status, answer.headers["Location"]) == (301, "/css/?x=1")


def test_one_connection_serves_file_after_file(files, folder):
    connection = http.client.HTTPConnection("127.0.0.1", files.port, timeout=program.PATIENCE)
    for _ in range(3):
        for name in ("data.bin", "index.html", "css/main.css"):
            connection.request("GET", "/" + name)
            assert connection.getresponse().read() == (folder / name).read_bytes()
    connection.close()


def test_pipelined_requests_around_a_large_file(files, folder):
    request = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /index.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    received = program.talk(files.port, request % b"index.html" + request % b"data.bin" + last)
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert (folder / "data.bin").read_bytes() in received and received.endswith(b"<p>front")


def test_curl_resumes_a_download(files, folder, tmp_path):
    whole = (folder / "data.bin").read_bytes()
    target = tmp_path / "part"
    target.write_bytes(whole[:MIB])
    curl(files, "/data.bin", "-C", "-", "-o", target)
    assert target.read_bytes() == whole
    assert curl(files, "/data.bin", "-r", "100-199") == whole[100:200]
    assert curl(files, "/data.bin", "-r", "-5") == whole[-5:]


def test_a_browser_seeks_in_a_video(files, folder):
    whole = (folder / "data.bin").read_bytes()
    first, body = ask(files, "GET", "/data.bin", {"Range": "bytes=0-"})
    assert (first.status, body) == (206, whole)
    later, body = ask(files, "GET", "/data.bin", {"Range": "bytes=2000000-", "If-Range": first.headers["Etag"]})
    assert (later.status, body) == (206, whole[2000000:])
    assert later.headers["Content-Range"] == f"bytes 2000000-{len(whole) - 1}/{len(whole)}"
    answer, _ = ask(files, "GET", "/data.bin", {"Range": f"bytes={len(whole)}-"})
    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")


def test_several_ranges_as_a_download_manager_asks(files, folder):
    whole = (folder / "data.bin").read_bytes()
    answer, body = ask(files, "GET", "/data.bin", {"Range": "bytes=0-99,1000000-1999999,-10"})
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\w+)", answer.headers["Content-Type"]).group(1)
    parts = body.split(f"\r\n--{boundary}".encode())
    assert parts[0] == b"" and parts[-1] == b"--\r\n"
    pieces = [part.split(b"\r\n\r\n", 1)[1] for part in parts[1:-1]]
    assert pieces == [whole[:100], whole[1000000:2000000], whole[-10:]]


@pytest.mark.parametrize("count, status", [(31, 206), (32, 206), (33, 200)])
def test_the_number_of_ranges_is_limited(files, count, status):
    ranges = ",".join(f"{i * 1000}-{i * 1000}" for i in range(count))
    assert ask(files, "GET", "/data.bin", {"Range": "bytes=" + ranges})[0].status == status


def test_a_browser_asks_again(files):
    first, _ = ask(files, "GET", "/data.bin")
    for headers in ({"If-None-Match": first.headers["Etag"]},
                    {"If-Modified-Since": first.headers["Last-Modified"]}):
        answer, body = ask(files, "GET", "/data.bin", headers)
        assert (answer.status, body) == (304, b"")
        assert answer.headers["Etag"] == first.headers["Etag"] and "Content-Length" not in answer.headers


def test_codings(files, folder):
    text = (folder / "css" / "main.css").read_bytes()
    for coding in ("gzip", "br"):
        head = curl(files, "/css/main.css", "-H", f"Accept-Encoding: {coding}", "-I").decode()
        assert f"Content-Encoding: {coding}" in head and "Vary: Accept-Encoding" in head
        assert curl(files, "/css/main.css", "--compressed", "-H", f"Accept-Encoding: {coding}") == text
    answer, body = ask(files, "GET", "/page.html", {"Accept-Encoding": "gzip"})
    assert body == (folder / "page.html.gz").read_bytes() and answer.headers["Content-Type"].startswith("text/html")
    assert "Content-Encoding" not in ask(files, "GET", "/data.bin", {"Accept-Encoding": "gzip"})[0].headers


@pytest.mark.parametrize("target, status", [
    ("/../served-not/secret", "403"), ("/..%2fserved-not/secret", "403"), ("/%2e%2e%2fserved-not%2fsecret", "403"),
    ("//evil.com/../served/css", "403"), ("//css", "404"), ("/link", "403"), ("/css/main.css%00", "404"),
    ("/" + "x" * 5000, "404"), ("/" + "x/" * 4000, "404"), ("/nothing", "404"),
])
def test_paths_that_lead_out_or_nowhere(files, target, status):
    head = curl(files, target, "-i").decode()
    assert head.split()[1] == status and "Location" not in head and "secret" not in head.split("\r\n\r\n")[1]


def test_a_download_has_its_name(files, folder):
    answer, body = ask(files, "GET", "/-/download?name=data.bin")
    assert body == (folder / "data.bin").read_bytes()
    assert answer.headers["Content-Disposition"] == 'attachment; filename="data.bin"'


def test_a_client_that_leaves_in_the_middle(files, folder):
    for _ in range(20):
        with program.connect(files.port) as connection:
            connection.sendall(b"GET /data.bin HTTP/1.1\r\nHost: a\r\n\r\n")
            connection.recv(1000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert ask(files, "GET", "/data.bin")[1] == (folder / "data.bin").read_bytes()


def test_a_file_that_becomes_shorter_is_cut_off(files, folder):
    with (folder / "shrinks").open("wb") as shrinks:
        shrinks.truncate(64 * MIB)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        connection.settimeout(program.PATIENCE)
        connection.connect(("127.0.0.1", files.port))
        connection.sendall(b"GET /shrinks HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(10)
        os.truncate(folder / "shrinks", MIB)
        received = 0
        while got := connection.recv(MIB):
            received += len(got)
    assert received < 64 * MIB


def test_hashing_a_gigabyte_blocks_nobody(files, folder):
    """Both addresses are asked for at once, the large file's first: other requests are answered before it."""
    with (folder / "big.bin").open("wb") as big:
        big.truncate(BIG)
    order = []

    def ask_for_address():
        order.append(ask(files, "GET", "/-/url?name=big.bin")[1])

    asking = threading.Thread(target=ask_for_address)
    asking.start()
    for _ in range(20):
        order.append(ask(files, "GET", "/-/hello")[1])
    asking.join()
    address = order.index(next(entry for entry in order if entry.startswith(b"/big.bin?v=")))
    assert address >= 3, "the others waited for the hash"
    assert ask(files, "HEAD", order[address].decode())[0].headers["Cache-Control"].endswith("immutable")


@pytest.mark.plain
def test_a_gigabyte_in_flat_memory(files, folder):
    with (folder / "big.bin").open("wb") as big:
        big.truncate(BIG)
        big.seek(BIG // 2)
        big.write(b"middle")
    received = 0
    with program.connect(files.port, 60) as connection:
        connection.sendall(b"GET /big.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        buffer = bytearray(4 * MIB)
        while got := connection.recv_into(buffer):
            received += got
    assert received > BIG
    status = pathlib.Path(f"/proc/{files.pid}/status").read_text()
    assert int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) < 32 << 10
    assert curl(files, "/big.bin", "-r", f"{BIG // 2}-{BIG // 2 + 5}") == b"middle"
