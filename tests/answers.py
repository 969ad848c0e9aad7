"""HTTP/1 answers out of bytes, strictly: what a client that trusts nothing would read."""
import dataclasses


@dataclasses.dataclass
class Answer:
    status: int
    version: str
    headers: dict  # names in lower case; the values of several are joined with ", "
    body: bytes
    until_close: bool = False  # its body had no other end


def _head(text):
    lines = text.split(b"\r\n")
    version, status, _ = (lines[0] + b" ").split(b" ", 2)
    assert version == b"HTTP/1.1" and len(status) == 3, lines[0]
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        assert colon and b"\r" not in line and b"\n" not in line, line
        name, value = name.decode("ascii").lower(), value.strip().decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Answer(int(status), version.decode(), headers, b"")


def _chunks(data):
    """-> (body, what is behind it)"""
    body = b""
    while True:
        size, crlf, data = data.partition(b"\r\n")
        assert crlf, "cut in a chunk's size"
        if int(size, 16) == 0:
            assert data[:2] == b"\r\n", "no empty line behind the last chunk"
            return body, data[2:]
        assert data[int(size, 16):][:2] == b"\r\n", "cut in a chunk"
        body, data = body + data[:int(size, 16)], data[int(size, 16) + 2:]


def _body(answer, data, bodiless):
    if bodiless or answer.status < 200 or answer.status in (204, 304):
        return b"", data
    if "transfer-encoding" in answer.headers:
        assert answer.headers["transfer-encoding"] == "chunked" and "content-length" not in answer.headers
        return _chunks(data)
    if "content-length" in answer.headers:
        length = int(answer.headers["content-length"])
        assert len(data) >= length, "cut in a body"
        return data[:length], data[length:]
    answer.until_close = True
    assert answer.headers.get("connection") == "close"
    return data, b""


def split(data, heads=0):
    """-> [Answer, ...] of all that came on one connection, nothing left over. The first so many are to HEAD."""
    answers = []
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, f"an answer cut in its head: {head!r}"
        answer = _head(head)
        answer.body, data = _body(answer, data, len(answers) < heads)
        answers.append(answer)
    return answers
