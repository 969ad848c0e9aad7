"""The same requests to the real Tornado and to gust, with the same routes: status, headers that matter, body are equal, or the
difference stands in DIFFERENCES with its reason."""
import base64
import gzip
import pathlib
import subprocess
import time

import pytest
import tornado.web

import program

SECRET = "the secret of both applications"
FORM = "Content-Type: application/x-www-form-urlencoded"
TOKEN = "2|00000000|000102030405060708090a0b0c0d0e0f|1700000000"
MASKED = "2|ff00ff00|ff01fd03fb05f907f709f50bf30df10f|1700000000"
SIGNED = tornado.web.create_signed_value(SECRET, "user", "jane é").decode()
OLD = tornado.web.create_signed_value(SECRET, "user", "jane", clock=lambda: time.time() - 32 * 86400).decode()
OTHER = tornado.web.create_signed_value(SECRET + "!", "user", "jane").decode()
BOUNDARY = "Content-Type: multipart/form-data; boundary=abc"
LARGE = b"x" * 100000

GZIP = "Accept-Encoding: gzip"
MARKUP = "%3Cb%3E%20%26%20%22c%22%20'd'"


def part(headers, content):
    return b"--abc\r\n" + headers.encode() + b"\r\n\r\n" + content + b"\r\n"


def upload(*parts):
    return b"".join(parts) + b"--abc--\r\n"


FILE = part('Content-Disposition: form-data; name="file"; filename="a b.txt"\r\nContent-Type: text/plain', b"hello\r\nthere")
FIELD = part('Content-Disposition: form-data; name="field"', "vé".encode())

# name: method, target, header lines, body
REQUESTS = {
    "text": ("GET", "/"), "text head": ("HEAD", "/"), "text post": ("POST", "/", [FORM], b""),
    "text put": ("PUT", "/", [], b"x"), "text delete": ("DELETE", "/"), "text patch": ("PATCH", "/", [], b""),
    "text options": ("OPTIONS", "/"), "an unknown method": ("PURGE", "/"), "a lower-case method": ("get", "/"),
    "nothing there": ("GET", "/nothing"), "nothing there, posted": ("POST", "/nothing", [FORM], b"a=1"),
    "a double slash": ("GET", "//"), "an encoded slash": ("GET", "/%2F"), "a path of another case": ("GET", "/ARGUMENTS"),
    "the other host": ("GET", "/", ["Host: other.example"]),
    "the other host with a port": ("GET", "/", ["Host: other.example:80"]),
    "the other host in capitals": ("GET", "/", ["Host: OTHER.example"]),
    "another host": ("GET", "/", ["Host: another.example"]),
    # arguments
    "no argument": ("GET", "/arguments"), "an argument": ("GET", "/arguments?a=1"),
    "an empty argument": ("GET", "/arguments?a="), "an argument without a value": ("GET", "/arguments?a"),
    "several": ("GET", "/arguments?a=1&a=2&b=3&a=3"), "an encoded one": ("GET", "/arguments?a=%C3%A9%26%3D"),
    "a plus": ("GET", "/arguments?a=1+2"), "an encoded plus": ("GET", "/arguments?a=1%2B2"),
    "white space around": ("GET", "/arguments?a=%20%20x%20y%09"), "a name that is encoded": ("GET", "/arguments?%61=1"),
    "a semicolon": ("GET", "/arguments?a=1;a=2"), "an equals sign": ("GET", "/arguments?a=b=c"),
    "bad UTF-8": ("GET", "/arguments?a=%ff"), "a bad escape": ("GET", "/arguments?a=%zz"),
    "a cut escape": ("GET", "/arguments?a=%2"), "a control character": ("GET", "/arguments?a=x%01y"),
    "a newline": ("GET", "/arguments?a=x%0ay"), "empty pairs": ("GET", "/arguments?&&a=1&&"),
    "only a question mark": ("GET", "/arguments?"), "a form": ("POST", "/arguments", [FORM], b"a=1&b=2"),
    "a form and a query": ("POST", "/arguments?a=q", [FORM], b"a=f"),
    "a form with several": ("POST", "/arguments?a=0", [FORM], b"a=1&a=2"),
    "a form with plus and escapes": ("POST", "/arguments", [FORM], b"a=x+y%26%C3%A9"),
    "a form with a charset": ("POST", "/arguments", [FORM + "; charset=UTF-8"], b"a=1"),
    "a form without a type": ("POST", "/arguments", [], b"a=1"),
    "a form of another type": ("POST", "/arguments", ["Content-Type: text/plain"], b"a=1"),
    "a form by put": ("PUT", "/arguments", [FORM], b"a=1"), "a form by patch": ("PATCH", "/arguments", [FORM], b"a=1"),
    "a form by delete": ("DELETE", "/arguments", [FORM], b"a=1"), "an empty form": ("POST", "/arguments", [FORM], b""),
    "a form with bad UTF-8": ("POST", "/arguments", [FORM], b"a=%ff"),
    "a form with a type in capitals": ("POST", "/arguments", ["Content-Type: APPLICATION/X-WWW-FORM-URLENCODED"], b"a=1"),
    "what is needed": ("GET", "/needed?needed=x"), "what is needed, missing": ("GET", "/needed"),
    "what is needed, empty": ("GET", "/needed?needed="),
    # paths
    "groups": ("GET", "/path/a/b/c"), "an empty group": ("GET", "/path//"), "an encoded group": ("GET", "/path/%C3%A9%20/x+y"),
    "a group with a slash in it": ("GET", "/path/a%2Fb/c"), "a group that did not match": ("GET", "/optional/y"),
    "a group that matched": ("GET", "/optional/x/y"), "named groups": ("GET", "/named/one/two"),
    "named groups, encoded": ("GET", "/named/%20/%C3%A9"), "a group of bad UTF-8": ("GET", "/path/%ff/x"),
    "a group with a query": ("GET", "/path/a/b?c=d"), "a dot segment": ("GET", "/path/../x"),
    "a URL of a route": ("GET", "/url-for"), "a route by its URL": ("GET", "/url/a%20b%2Fc/%C3%A9"),
    # cookies
    "cookies": ("GET", "/cookies", ["Cookie: a=1; b=2"]), "a quoted cookie": ("GET", "/cookies", ['Cookie: a="x y"; b="\\303\\251"']),
    "no cookies": ("GET", "/cookies"), "an empty cookie": ("GET", "/cookies", ["Cookie: a=; b=2"]),
    "the same cookie twice": ("GET", "/cookies", ["Cookie: a=1; a=2"]),
    "cookies without spaces": ("GET", "/cookies", ["Cookie: a=1;b=2"]),
    "a malformed cookie": ("GET", "/cookies", ["Cookie: nothing; a=1; =x; b=2"]),
    "a cookie with an equals sign": ("GET", "/cookies", ["Cookie: a=b=c"]), "cookies set": ("GET", "/set-cookies"),
    "a signed cookie": ("GET", "/signed", [f'Cookie: user="{SIGNED}"']),
    "a signed cookie without quotes": ("GET", "/signed", [f"Cookie: user={SIGNED}"]),
    "a signed cookie that is too old": ("GET", "/signed", [f"Cookie: user={OLD}"]),
    "a signed cookie of another secret": ("GET", "/signed", [f"Cookie: user={OTHER}"]),
    "a signed cookie, tampered with": ("GET", "/signed", [f"Cookie: user={SIGNED[:-1]}0" if SIGNED[-1] != "0" else f"Cookie: user={SIGNED[:-1]}1"]),
    "a signed cookie by another name": ("GET", "/signed", [f"Cookie: other={SIGNED}"]),
    "a signed cookie that is none": ("GET", "/signed", ["Cookie: user=2|1:0|"]),
    # answers
    "json": ("GET", "/json"), "status 201": ("GET", "/status/201?body=1"), "status 202, empty": ("GET", "/status/202"),
    "status 204": ("GET", "/status/204"), "status 299": ("GET", "/status/299?body=1"), "status 404": ("GET", "/status/404?body=1"),
    "status 500": ("GET", "/status/500?body=1"), "a failure 400": ("GET", "/fail/400"), "a failure 403": ("GET", "/fail/403"),
    "a failure 404": ("GET", "/fail/404"), "a failure 418": ("GET", "/fail/418"), "a failure 500": ("GET", "/fail/500"),
    "a failure 503": ("GET", "/fail/503"), "an exception": ("GET", "/raise"), "a failure after output": ("GET", "/written"),
    "a redirect": ("GET", "/redirect?to=/x"), "a permanent redirect": ("GET", "/redirect?to=/x&permanent=1"),
    "a redirect elsewhere": ("GET", "/redirect?to=https://example.org/a%3Fb"),
    "a redirect of head": ("HEAD", "/redirect?to=/x"), "a redirect route": ("GET", "/old/a/b"),
    "a redirect route with a query": ("GET", "/old/a?x=1&y"), "a redirect route, posted": ("POST", "/old/a", [FORM], b""),
    "an error route": ("GET", "/gone"), "an error route, posted": ("POST", "/gone", [FORM], b""),
    "chunks": ("GET", "/flushed"), "chunks for head": ("HEAD", "/flushed"), "headers set": ("GET", "/set-headers"),
    "headers sent": ("GET", "/headers", ["X-One: 1", "x-many: a", "X-MANY: b"]),
    "a header with white space": ("GET", "/headers", ["X-One:   padded\t "]), "an empty header": ("GET", "/headers", ["X-One:"]),
    # conditions
    "a tag": ("GET", "/tagged"), "the tag it has": ("GET", "/tagged", ['If-None-Match: "v1"']),
    "the tag it has, weak": ("GET", "/tagged", ['If-None-Match: W/"v1"']),
    "one tag of several": ("GET", "/tagged", ['If-None-Match: "v0", "v1"']), "any tag": ("GET", "/tagged", ["If-None-Match: *"]),
    "another tag": ("GET", "/tagged", ['If-None-Match: "v2"']), "a tag without quotes": ("GET", "/tagged", ["If-None-Match: v1"]),
    "the tag for head": ("HEAD", "/tagged", ['If-None-Match: "v1"']),
    "a made tag that does not match": ("GET", "/", ['If-None-Match: "v1"']), "any made tag": ("GET", "/", ["If-None-Match: *"]),
    "a tag for a failure": ("GET", "/fail/404", ["If-None-Match: *"]), "a tag for a post": ("POST", "/", [FORM, "If-None-Match: *"], b""),
    # bodies
    "a body": ("POST", "/body", ["Content-Type: text/plain"], b"abc\0def"), "a body by put": ("PUT", "/body", [], b"abc"),
    "a body by patch": ("PATCH", "/body", [], b"abc"), "a body by delete": ("DELETE", "/body", [], b"abc"),
    "no body": ("POST", "/body"), "a large body": ("POST", "/body", [], LARGE),
    "a chunked body": ("POST", "/body", ["Transfer-Encoding: chunked"], b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "raw"),
    "an empty chunked body": ("POST", "/body", ["Transfer-Encoding: chunked"], b"0\r\n\r\n", "raw"),
    "a body of JSON": ("POST", "/body", ["Content-Type: application/json"], b'{"a": 1}'),
    "a file": ("POST", "/upload", [BOUNDARY], upload(FILE)), "a file and a field": ("POST", "/upload", [BOUNDARY], upload(FILE, FIELD)),
    "a field": ("POST", "/upload", [BOUNDARY], upload(FIELD)), "two files": ("POST", "/upload", [BOUNDARY], upload(FILE, FILE)),
    "a quoted boundary": ("POST", "/upload", ['Content-Type: multipart/form-data; boundary="abc"'], upload(FILE)),
    "a file without a type": ("POST", "/upload", [BOUNDARY], upload(part('Content-Disposition: form-data; name="f"; filename="x"', b"1"))),
    "a file name in UTF-8": ("POST", "/upload", [BOUNDARY], upload(part("Content-Disposition: form-data; name=\"f\"; filename*=UTF-8''%C3%A9.txt\r\nContent-Type: text/plain", b"1"))),
    "a multipart body without an end": ("POST", "/upload", [BOUNDARY], FILE),
    "a multipart body without a boundary": ("POST", "/upload", ["Content-Type: multipart/form-data"], upload(FILE)),
    "an empty file": ("POST", "/upload", [BOUNDARY], upload(part('Content-Disposition: form-data; name="f"; filename="x"\r\nContent-Type: a/b', b""))),
    # handlers
    "prepared": ("GET", "/prepared"), "prepared and stopped": ("GET", "/prepared?stop=1"),
    "prepared and posted": ("POST", "/prepared", [FORM], b""), "prepared and stopped by a form": ("POST", "/prepared", [FORM], b"stop=1"),
    "prepared, but no such method": ("PUT", "/prepared", [], b""),
    "a page": ("GET", "/page"), "a page with a slash": ("GET", "/page/"), "a page with a slash and a query": ("GET", "/page/?a=1"),
    "a page with a slash for head": ("HEAD", "/page/"), "a folder": ("GET", "/folder/"), "a folder without a slash": ("GET", "/folder"),
    "a folder without a slash, with a query": ("GET", "/folder?a=1"),
    "a member": ("GET", "/member?user=ann"), "nobody": ("GET", "/member"), "nobody with a query": ("GET", "/member?a=1&b=%20"),
    "nobody posts": ("POST", "/member", [FORM], b""), "a member posts": ("POST", "/member", [FORM], b"user=ann"),
    # cross-site request forgery
    "protected, read": ("GET", "/protected"), "protected, without a token": ("POST", "/protected", [FORM], b""),
    "protected, with a token": ("POST", "/protected", [FORM, f"Cookie: _xsrf={TOKEN}"], f"_xsrf={MASKED}".encode()),
    "protected, with the cookie's own text": ("POST", "/protected", [FORM, f"Cookie: _xsrf={TOKEN}"], f"_xsrf={TOKEN}".encode()),
    "protected, by header": ("PUT", "/protected", [f"Cookie: _xsrf={TOKEN}", f"X-XSRFToken: {MASKED}"], b""),
    "protected, by the other header": ("DELETE", "/protected", [f"Cookie: _xsrf={TOKEN}", f"X-CSRFToken: {MASKED}"]),
    "protected, with another token": ("POST", "/protected", [FORM, f"Cookie: _xsrf={TOKEN}"], b"_xsrf=" + TOKEN.replace("0f|", "10|").encode()),
    "protected, without the cookie": ("POST", "/protected", [FORM], f"_xsrf={MASKED}".encode()),
    "protected, with a token that is none": ("POST", "/protected", [FORM, f"Cookie: _xsrf={TOKEN}"], b"_xsrf=2|x"),
    # templates, of the same files
    "a template": ("GET", f"/template/page?name={MARKUP}"), "a template's block that nobody fills": ("GET", "/template/base"),
    "a template escapes": ("GET", f"/template/escape?name={MARKUP}"), "a template without escaping": ("GET", f"/template/unescaped?name={MARKUP}"),
    "a template's branches": ("GET", "/template/if"), "another of its branches": ("GET", "/template/if?name=x"),
    "a template's loops": ("GET", "/template/loops"), "a template's functions": ("GET", f"/template/functions?name={MARKUP}"),
    "a template's white space": ("GET", "/template/whitespace"), "a template that tries": ("GET", "/template/try"),
    "a template that asks the request": ("GET", "/template/request"), "a template with modules": ("GET", f"/template/modules?name={MARKUP}"),
    "a template with a link": ("GET", "/template/link?name=a%26b"), "a template with a script": ("GET", "/template/script?name=x"),
    "a template that the client has": ("GET", "/template/page", ["If-None-Match: *"]),
    "a template with an unknown name": ("GET", "/template/unknown"), "a template that is broken": ("GET", "/template/broken"),
    "a template that is not there": ("GET", "/template/missing"),
    # files; {etag} and {modified} are the file's, as either says
    "a file": ("GET", "/static/digits.txt"), "a file's head": ("HEAD", "/static/digits.txt"), "a style sheet": ("GET", "/static/style.css"),
    "bytes": ("GET", "/static/bytes.bin"), "an empty file in a folder": ("GET", "/static/empty.txt"),
    "a file that is not there": ("GET", "/static/nothing.txt"), "a file, posted to": ("POST", "/static/digits.txt", [FORM], b""),
    "a directory": ("GET", "/static/sub/"), "a directory without its slash": ("GET", "/static/sub"),
    "a directory without a page": ("GET", "/static/"), "the directory's name alone": ("GET", "/static"),
    "the icon": ("GET", "/favicon.ico"), "the robots": ("GET", "/robots.txt"),
    "a file of a version": ("GET", "/static/digits.txt?v=abc"), "a file with a query": ("GET", "/static/digits.txt?x=abc"),
    "a range": ("GET", "/static/digits.txt", ["Range: bytes=2-4"]), "a range to the end": ("GET", "/static/digits.txt", ["Range: bytes=7-"]),
    "the last bytes": ("GET", "/static/digits.txt", ["Range: bytes=-3"]),
    "a range that is all": ("GET", "/static/digits.txt", ["Range: bytes=0-"]),
    "a range beyond the end": ("GET", "/static/digits.txt", ["Range: bytes=5-100"]),
    "more last bytes than there are": ("GET", "/static/digits.txt", ["Range: bytes=-100"]),
    "a range outside": ("GET", "/static/digits.txt", ["Range: bytes=10-"]), "no last bytes": ("GET", "/static/digits.txt", ["Range: bytes=-0"]),
    "a range backwards": ("GET", "/static/digits.txt", ["Range: bytes=4-2"]),
    "a range of letters": ("GET", "/static/digits.txt", ["Range: bytes=a-b"]), "a range of lines": ("GET", "/static/digits.txt", ["Range: lines=0-1"]),
    "several ranges": ("GET", "/static/digits.txt", ["Range: bytes=0-1,4-5"]), "a range of the head": ("HEAD", "/static/digits.txt", ["Range: bytes=2-4"]),
    "a range if it is the same": ("GET", "/static/digits.txt", ["Range: bytes=2-4", "If-Range: {etag}"]),
    "a range if it were another": ("GET", "/static/digits.txt", ["Range: bytes=2-4", 'If-Range: "other"']),
    "a file that the client has": ("GET", "/static/digits.txt", ["If-None-Match: {etag}"]),
    "a file that it has, weakly": ("GET", "/static/digits.txt", ["If-None-Match: W/{etag}"]),
    "a file of which it has another": ("GET", "/static/digits.txt", ['If-None-Match: "other"']),
    "any file": ("GET", "/static/digits.txt", ["If-None-Match: *"]),
    "a file that has not changed": ("GET", "/static/digits.txt", ["If-Modified-Since: {modified}"]),
    "a file that has": ("GET", "/static/digits.txt", ["If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT"]),
    "a file by a date that is none": ("GET", "/static/digits.txt", ["If-Modified-Since: yesterday"]),
    "a file by its tag and not its date": ("GET", "/static/digits.txt", ['If-None-Match: "other"', "If-Modified-Since: {modified}"]),
    "a path that leads out": ("GET", "/static/../static-not/secret"), "a path that leads out, encoded": ("GET", "/static/%2e%2e/static-not/secret"),
    "a path that leads out, its slash encoded": ("GET", "/static/..%2fstatic-not%2fsecret"),
    "a path with the same beginning": ("GET", "/static-not/secret"), "a path from the root": ("GET", "/static//etc/passwd"),
    "a path with a NUL": ("GET", "/static/digits.txt%00.png"),
    # compressed
    "a long text, compressed": ("GET", "/compressed/text/5000", [GZIP]), "the least text, compressed": ("GET", "/compressed/text/1024", [GZIP]),
    "a shorter text": ("GET", "/compressed/text/1023", [GZIP]), "a long text for who takes no gzip": ("GET", "/compressed/text/5000"),
    "a long text for who refuses gzip": ("GET", "/compressed/text/5000", ["Accept-Encoding: gzip;q=0"]),
    "a long text for who prefers br": ("GET", "/compressed/text/5000", ["Accept-Encoding: gzip, br"]),
    "an image is not compressed": ("GET", "/compressed/image/5000", [GZIP]), "chunks, compressed": ("GET", "/compressed/flushed", [GZIP]),
    "a failure, compressed": ("GET", "/compressed/fail/404", [GZIP]), "nothing, compressed": ("GET", "/compressed/status/204", [GZIP]),
    "a long text, compressed, that the client has": ("GET", "/compressed/text/5000", [GZIP, "If-None-Match: *"]),
}

HEADERS = ("Content-Type", "Location", "Etag", "Allow", "Cache-Control", "Vary", "Content-Length", "Transfer-Encoding",
           "X-Set", "X-Added", "X-Cleared", "WWW-Authenticate", "Connection", "Content-Encoding", "Content-Range",
           "Accept-Ranges", "Last-Modified")

# What Tornado answers 405, for want of a handler, is answered here: everything is there on one side only.
ALL = {"status", "body", "Content-Length", "Connection"}
NO_HEAD = "a handler for GET answers HEAD too (RFC 9110 9.3.2), in Tornado only one that is written for it"
ALLOW = "a 405 names the methods that there are (RFC 9110 15.5.6)"
ESCAPE = "an escape that is none is 400, not taken literally: filters before and behind must not read it differently"

CHARSET = "text files are said to be UTF-8, as gust's own texts are"
UNCHANGED = "a 304 with an Etag needs no Last-Modified (RFC 9110 15.4.5)"
OUTSIDE = "a 416 says how long the file is; its tag and time are not the error's"

# name: what differs, and why
DIFFERENCES = {
    **dict.fromkeys(["text put", "text delete", "text patch", "an unknown method", "a lower-case method",
                     "prepared, but no such method"], ({"Allow"}, ALLOW)),
    "text options": ({"status", "Allow", "body", "Connection"}, "OPTIONS without a handler: 204 and Allow"),
    "text head": (ALL | {"Etag"}, NO_HEAD),
    "a redirect of head": (ALL | {"Location", "cookies"}, NO_HEAD),
    "chunks for head": (ALL - {"Content-Length"} | {"Transfer-Encoding"}, NO_HEAD),
    "the tag for head": (ALL - {"Content-Length"} | {"Etag", "Cache-Control"}, NO_HEAD),
    "a page with a slash for head": (ALL | {"Location"}, NO_HEAD),
    "a redirect route, posted": (ALL | {"Location"}, "a redirect route answers every method"),
    "a redirect route with a query": ({"Location"}, "a query is handed on as it came; Tornado writes y as y="),
    "white space around": ({"body", "Content-Length"}, "gust_arg_at gives what came"),
    "a control character": ({"body"}, "gust_arg_at gives what came"),
    "a bad escape": (ALL | {"Etag", "Content-Type"}, ESCAPE),
    "a cut escape": (ALL | {"Etag", "Content-Type"}, ESCAPE),
    "a form with a type in capitals": ({"body", "Content-Length"}, "media types have no case (RFC 9110 8.3.1)"),
    "a URL of a route": ({"body", "Content-Length"}, "a slash that the group would not match is %2F: the URL leads back"),
    "a quoted cookie": ({"body", "Content-Length"}, "the bytes are UTF-8; Tornado reads them as Latin-1"),
    "the same cookie twice": ({"body"}, "the first is of the more specific path (RFC 6265 5.4)"),
    "json": ({"body", "Content-Length", "Content-Type"}, "UTF-8 without escapes or spaces; JSON's type has no charset (RFC 8259 11)"),
    "a template with a link": ({"body", "Content-Length"}, "a value in a URL is percent-encoded: & would begin another argument"),
    "a template with a script": ({"body", "Content-Length"}, "a value in a script is JSON; in Tornado this is no JavaScript"),
    **dict.fromkeys(["a file", "a style sheet", "a directory", "the robots", "a file with a query", "a range",
                     "a range to the end", "a range beyond the end", "the last bytes", "a range of letters", "a range of lines",
                     "a range if it is the same", "a file of which it has another", "a file that has",
                     "a file by a date that is none", "a file by its tag and not its date"], ({"Content-Type"}, CHARSET)),
    **dict.fromkeys(["a range outside", "no last bytes"], ({"Etag", "Last-Modified", "Accept-Ranges"}, OUTSIDE)),
    **dict.fromkeys(["a file that the client has", "a file that it has, weakly", "any file", "a file that has not changed"],
                    ({"Last-Modified"}, UNCHANGED)),
    "a file, posted to": ({"Allow"}, ALLOW),
    "a file of a version": ({"Content-Type", "Cache-Control"}, "a version that is not the file's may not be kept for ever"),
    **dict.fromkeys(["a range that is all", "more last bytes than there are"],
                    ({"status", "Content-Range", "Content-Type"}, "what is asked for as a range is answered as one")),
    "a range backwards": (ALL | {"Content-Range", "Content-Type"}, "it is none, and so ignored (RFC 9110 14.1.1)"),
    "several ranges": ({"status", "body", "Content-Length", "Content-Range", "Content-Type"}, "several are served, neighbours as one"),
    "a range of the head": ({"status", "Content-Length", "Content-Range"}, "only GET has ranges (RFC 9110 14.2)"),
    "a range if it were another": ({"status", "body", "Content-Length", "Content-Range", "Content-Type"}, "Tornado does not know If-Range"),
    "a path from the root": ({"status"}, "a name that is empty is not there; it leads nowhere"),
    "a long text for who refuses gzip": ({"Content-Encoding", "Content-Length"}, "q=0 means no (RFC 9110 12.4.2)"),
    "a long text for who prefers br": ({"Content-Encoding", "Content-Length", "body"}, "Tornado knows gzip only"),
    **dict.fromkeys(["an image is not compressed", "nothing, compressed"],
                    ({"Vary"}, "nothing varies where nothing could be compressed")),
    "a large body": ({"Content-Length", "Transfer-Encoding"}, "what grows beyond 64 KiB is streamed"),
}


def ask(port, method, target, headers=(), body=None, kind=None):
    """-> status, headers as a dictionary of lists, body"""
    lines = [f"{method} {target} HTTP/1.1", *headers, "Connection: close"]
    if not any(line.lower().startswith("host:") for line in headers):
        lines.insert(1, "Host: example.org")
    if body is not None and kind != "raw":
        lines.append(f"Content-Length: {len(body)}")
    answer = program.talk(port, "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))
    head, _, rest = answer.partition(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    found = {}
    for field in fields:
        name, _, value = field.partition(":")
        found.setdefault(name.title(), []).append(value.strip())
    if found.get("Transfer-Encoding") == ["chunked"]:
        rest = unchunk(rest)
    return int(first.split()[1]), found, rest


def unchunk(data):
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        size = int(size, 16)
        body += data[:size]
        data = data[size + 2:]
    return body


def cookies_of(headers):
    """Set-Cookie fields, each as its pair and the set of its attributes."""
    found = []
    for line in headers.get("Set-Cookie", []):
        pair, *attributes = line.split("; ")
        found.append((pair, frozenset(attribute.lower() for attribute in attributes)))
    return sorted(found, key=str)


def aspects(answer):
    """What is compared. The body of an error is each framework's own, and so are its type, length and connection."""
    status, headers, body = answer
    compared = {"status": status, "cookies": cookies_of(headers)}
    if headers.get("Content-Encoding") == ["gzip"] and body:
        body = gzip.decompress(body)
        headers = {**headers, "Content-Length": None}  # the level's
    own = {"Content-Type", "Content-Length", "Transfer-Encoding", "Connection"} if status >= 400 and status != 409 else set()
    for name in HEADERS:
        if name not in own:
            compared[name] = headers.get(name)
    if not body:
        compared.pop("Content-Type", None)  # Tornado says what type nothing has
    if compared["Etag"] and compared["Etag"] != ['"v1"']:
        compared["Etag"] = "made"
    if status < 400 or status == 409:
        compared["body"] = body
    return compared


@pytest.fixture(scope="module")
def applications(build):
    """-> the ports of Tornado's and of gust's"""
    here = pathlib.Path(__file__).parent / "parity"
    command = ["/usr/bin/python3", here / "tornado_app.py", here / "templates", here / "static"]
    with program.Starter(build / "tests") as starter, \
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             text=True) as other:
        ours = starter.start("parity", environment={
            "PARITY_TEMPLATES": str(here / "templates"), "PARITY_STATIC": str(here / "static")})
        ask(ours.port, "GET", "/raise")
        ours.wait_for_line(r"\n +at ")
        ours.mark_descriptors()  # the first backtrace opened the program's own file
        yield int(other.stdout.readline()), ours.port
        other.stdin.close()


def filled(port, method, target, headers=(), *more):
    """The request with what the server itself says of the file, where its headers ask for that."""
    if any("{" in line for line in headers):
        said = ask(port, "GET", target)[1]
        headers = [line.replace("{etag}", said["Etag"][0]).replace("{modified}", said["Last-Modified"][0]) for line in headers]
    return method, target, headers, *more


@pytest.mark.parametrize("name", REQUESTS)
def test_both_answer_the_same(applications, name):
    ours, theirs = (aspects(ask(port, *filled(port, *REQUESTS[name]))) for port in reversed(applications))
    different = {key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)}
    listed, reason = DIFFERENCES.get(name, (set(), ""))
    assert different == listed, (reason, {key: (ours.get(key), theirs.get(key)) for key in different ^ listed})


def test_there_are_enough():
    assert len(REQUESTS) >= 150 and set(DIFFERENCES) <= set(REQUESTS)
