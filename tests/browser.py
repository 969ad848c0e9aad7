"""Chromium under test, driven by its DevTools protocol over a pipe.

    with browser.Browser() as chromium:
        page = chromium.page()                  # cookies and cache of its own, like another person
        page.open("http://127.0.0.1:8888/login")
        page.fill("input[name=user]", "ann")
        page.click("button")
        page.wait_for(lambda: "Hello, ann" in page.text())

The fixtures `chromium` and `page` (conftest.py) do the first two lines. Nothing here waits for a time, only for
conditions, for program.PATIENCE seconds at most.
"""
import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

from program import PATIENCE, members, wait_until

OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
           "--no-default-browser-check", "--no-proxy-server", "--hide-scrollbars", "--window-size=1200,900",
           "--remote-debugging-pipe"]


class BrowserError(Exception):
    """What Chromium answered, or a script of the page threw."""


class Connection:
    """Commands and events, each JSON with a NUL behind, over descriptors 3 and 4 of Chromium."""

    def __init__(self, to, from_):
        self.to, self.from_ = to, from_
        self.received = bytearray()
        self.number = 0
        self.listeners = {}  # session -> what is called with each of its events

    def _take(self, end):
        while True:
            message, found, rest = bytes(self.received).partition(b"\0")
            if found:
                self.received = bytearray(rest)
                return json.loads(message)
            if not select.select([self.from_], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError("Chromium does not answer")
            piece = os.read(self.from_, 1 << 16)
            if not piece:
                raise BrowserError("Chromium has ended")
            self.received += piece

    def _dispatch(self, message):
        listener = self.listeners.get(message.get("sessionId"))
        if listener and "method" in message:
            listener(message["method"], message.get("params", {}))

    def call(self, method, session=None, seconds=PATIENCE, **parameters):
        """Sends a command and waits for its answer, so long. -> its result"""
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        end = time.monotonic() + seconds
        while True:
            answer = self._take(end)
            if answer.get("id") != self.number:
                self._dispatch(answer)
            elif "error" in answer:
                raise BrowserError(f"{method}: {answer['error'].get('message')}")
            else:
                return answer["result"]


class Page:
    """A tab. .problems: what its scripts threw and what the browser complained of, as sentences."""

    def __init__(self, connection):
        self.connection = connection
        self.problems = []
        self.context = connection.call("Target.createBrowserContext")["browserContextId"]
        self.target = connection.call("Target.createTarget", url="about:blank",
                                      browserContextId=self.context)["targetId"]
        self.session = connection.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        connection.listeners[self.session] = self._heard
        for domain in ("Page", "Runtime", "Log", "DOM"):
            self._call(f"{domain}.enable")

    def _call(self, method, **parameters):
        return self.connection.call(method, self.session, **parameters)

    def _heard(self, method, parameters):
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            entry = parameters["entry"]
            self.problems.append(f"{entry['text']} {entry.get('url', '')}".strip())
        elif method == "Page.javascriptDialogOpening":
            self.problems.append(f"a dialog: {parameters['message']}")

    def open(self, url, seconds=PATIENCE):
        """Goes there and waits until the page has loaded. What the server answered does not matter."""
        answer = self._call("Page.navigate", seconds=seconds, url=url)
        if answer.get("errorText"):
            raise BrowserError(f"{url}: {answer['errorText']}")
        self.wait_for("document.readyState === 'complete'")

    def evaluate(self, script):
        """The value of a JavaScript expression; a promise is awaited. BrowserError when it throws."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True,
                            userGesture=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def url(self):
        return self.evaluate("location.href")

    def text(self, selector="body"):
        """What is to be read in an element, as a person sees it; "" where there is none."""
        return self.evaluate(f"(document.querySelector({json.dumps(selector)}) || {{}}).innerText || ''")

    def wait_for(self, condition, seconds=None):
        """Waits until an expression (text), or a function of the test, is true. -> its value; fails otherwise.

        While a page makes place for the next one, its expressions cannot be evaluated: that is "not yet".
        """
        def value():
            with contextlib.suppress(BrowserError):
                return self.evaluate(condition) if isinstance(condition, str) else condition()
            return None

        result = wait_until(value, seconds)
        if not result:
            raise AssertionError(f"{condition} did not come true on {self._describe()}")
        return result

    def wait_for_text(self, text, selector="body", seconds=None):
        """Waits until the element's text contains it."""
        self.wait_for(f"(document.querySelector({json.dumps(selector)}) || {{}}).innerText?.includes("
                      f"{json.dumps(text)})", seconds)

    def _describe(self):
        try:
            return f"{self.url()}, which reads:\n{self.text()}\nproblems: {self.problems}"
        except (BrowserError, TimeoutError) as error:
            return f"a page that cannot be read: {error}"

    def _find(self, selector, script):
        """Calls script, a function, with the element, waiting until there is one."""
        self.wait_for(f"!!document.querySelector({json.dumps(selector)})")
        return self.evaluate(f"({script})(document.querySelector({json.dumps(selector)}))")

    def click(self, selector):
        """A click of the mouse in the middle of the element, wherever it leads."""
        x, y = self._find(selector, """element => {
            element.scrollIntoView({block: "center"});
            const box = element.getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2];
        }""")
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def fill(self, selector, text):
        """Replaces what a field holds, as typing does; in a <select> chooses the option of that value."""
        is_choice = self._find(selector, """element => {
            element.focus();
            if (element.select) element.select();
            return element.tagName === "SELECT";
        }""")
        if is_choice:
            self._find(selector, f"""element => {{
                element.value = {json.dumps(text)};
                element.dispatchEvent(new Event("input", {{bubbles: true}}));
                element.dispatchEvent(new Event("change", {{bubbles: true}}));
            }}""")
        elif text:
            self._call("Input.insertText", text=text)
        else:
            self.press("Delete")

    def press(self, key):
        """A key with a name: "Enter", "Escape", "Tab", "Delete"."""
        codes = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, ""), "Delete": (46, "")}
        code, text = codes[key]
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                       **({"text": text} if text and kind == "keyDown" else {}))

    def choose_files(self, selector, *paths):
        """Gives files to an <input type=file>."""
        self._find(selector, "() => true")
        root = self._call("DOM.getDocument")["root"]["nodeId"]
        node = self._call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self._call("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    def screenshot(self, path):
        """Writes the visible part of the page as PNG."""
        data = self._call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        self.connection.listeners.pop(self.session, None)
        self.connection.call("Target.closeTarget", targetId=self.target)
        self.connection.call("Target.disposeBrowserContext", browserContextId=self.context)


def executable():
    """-> the path of Chromium, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """One Chromium without a window; ends with its `with` block, leaving no process and no file."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="gust-chromium-")
        commands, self.to = os.pipe()
        self.from_, answers = os.pipe()

        def place():  # in the child: first out of each other's way
            high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in (commands, answers)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)
            os.closerange(5, max(high) + 1)

        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.process = subprocess.Popen(
            [executable() or "chromium", *OPTIONS, f"--user-data-dir={self.folder}/profile", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, preexec_fn=place, close_fds=False,
            env={**os.environ, "HOME": self.folder}, start_new_session=True)
        os.close(commands)
        os.close(answers)
        self.connection = Connection(self.to, self.from_)

    def page(self):
        """A new tab with cookies and a cache of its own."""
        return Page(self.connection)

    def version(self):
        return self.connection.call("Browser.getVersion")["product"]

    def close(self):
        with contextlib.suppress(BrowserError, TimeoutError, OSError):
            self.connection.call("Browser.close")
        os.close(self.to)
        os.close(self.from_)
        self.log.close()
        wait_until(lambda: self.process.poll() is not None, 5)
        while left := members(self.process.pid):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.poll()
            time.sleep(0.02)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close()
