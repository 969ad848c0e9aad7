"""The routes of app.c in Tornado. Prints the port it listens on; ends when its standard input does."""
import asyncio
import os
import sys

import tornado.httpserver
import tornado.netutil
import tornado.web

SECRET = "the secret of both applications"


class Text(tornado.web.RequestHandler):
    def get(self):
        self.write("text é")

    def post(self):
        self.write("posted")


class Arguments(tornado.web.RequestHandler):
    def show(self):
        self.write("a=%s\n" % self.get_argument("a", "none"))
        self.write("query a=%s\n" % self.get_query_argument("a", "none"))
        self.write("body a=%s\n" % self.get_body_argument("a", "none"))
        for value in self.get_arguments("a"):
            self.write("each a=%s\n" % value)

    get = post = put = patch = delete = show


class Needed(tornado.web.RequestHandler):
    def get(self):
        self.write(self.get_argument("needed"))


class Path(tornado.web.RequestHandler):
    def get(self, *groups):
        self.write("|".join("none" if group is None else group for group in groups))


class Named(tornado.web.RequestHandler):
    def get(self, first, second):
        self.write("first=%s second=%s" % (first, second))


class Cookies(tornado.web.RequestHandler):
    def get(self):
        self.write("a=%s b=%s" % (self.get_cookie("a", "none"), self.get_cookie("b", "none")))


class SetCookies(tornado.web.RequestHandler):
    def get(self):
        self.set_cookie("plain", "1")
        self.set_cookie("quoted", "a,b")
        self.set_cookie("full", "2", path="/x", domain="example.org", max_age=60, httponly=True, secure=True,
                        samesite="Strict")
        self.write("set")


class Signed(tornado.web.RequestHandler):
    def get(self):
        value = self.get_secure_cookie("user")
        self.write(value if value is not None else "none")


class Json(tornado.web.RequestHandler):
    def get(self):
        self.write({"id": 1, "name": "é</script>"})


class Status(tornado.web.RequestHandler):
    def get(self, status):
        self.set_status(int(status))
        if self.get_argument("body", None):
            self.write("body")


class Fail(tornado.web.RequestHandler):
    def get(self, status):
        raise tornado.web.HTTPError(int(status))


class Raise(tornado.web.RequestHandler):
    def get(self):
        raise RuntimeError("broken")


class Written(tornado.web.RequestHandler):
    def get(self):
        self.write("before")
        raise tornado.web.HTTPError(403)


class Redirect(tornado.web.RequestHandler):
    def get(self):
        self.set_cookie("seen", "1")
        self.redirect(self.get_argument("to"), permanent=self.get_argument("permanent", "") == "1")


class Tagged(tornado.web.RequestHandler):
    def get(self):
        self.set_header("Cache-Control", "max-age=5")
        self.write("tagged")

    def compute_etag(self):
        return '"v1"'


class Flushed(tornado.web.RequestHandler):
    async def get(self):
        for part in range(3):
            self.write("part %d\n" % part)
            await self.flush()


class Headers(tornado.web.RequestHandler):
    def get(self):
        self.write("one=%s list=%s none=%s" % (self.request.headers.get("X-One"), self.request.headers.get("X-Many"),
                                               self.request.headers.get("X-None")))


class SetHeaders(tornado.web.RequestHandler):
    def get(self):
        self.set_header("X-Set", "first")
        self.set_header("X-Set", "second")
        self.add_header("X-Added", "1")
        self.add_header("X-Added", "2")
        self.set_header("X-Cleared", "x")
        self.clear_header("X-Cleared")
        self.write("headers")


class Body(tornado.web.RequestHandler):
    def post(self):
        self.write(self.request.body)

    put = patch = delete = post


class Upload(tornado.web.RequestHandler):
    def post(self):
        for name in sorted(self.request.files):
            for file in self.request.files[name]:
                self.write("%s %s %s %d\n" % (name, file["filename"], file["content_type"], len(file["body"])))
        self.write("field=%s" % self.get_body_argument("field", "none"))


class Prepared(tornado.web.RequestHandler):
    def prepare(self):
        if self.get_argument("stop", None):
            self.set_status(409)
            self.finish("stopped")

    def get(self):
        self.write("went on")

    def post(self):
        self.write("went on by post")


class RemoveSlash(tornado.web.RequestHandler):
    @tornado.web.removeslash
    def get(self):
        self.write("page")


class AddSlash(tornado.web.RequestHandler):
    @tornado.web.addslash
    def get(self):
        self.write("folder")


class Member(tornado.web.RequestHandler):
    def get_current_user(self):
        return self.get_argument("user", None)

    @tornado.web.authenticated
    def get(self):
        self.write("hello " + self.current_user)

    @tornado.web.authenticated
    def post(self):
        self.write("posted by " + self.current_user)


class Protected(tornado.web.RequestHandler):
    def prepare(self):
        if self.request.method not in ("GET", "HEAD", "OPTIONS"):
            self.check_xsrf_cookie()

    def get(self):
        self.write("read")

    def post(self):
        self.write("changed")

    put = delete = post


class Url(tornado.web.RequestHandler):
    def get(self):
        self.write(self.reverse_url("named-path", "a b/c", "é"))


class LongText(tornado.web.RequestHandler):
    def get(self, count):
        self.write("x" * int(count))


class LongBytes(tornado.web.RequestHandler):
    def get(self, count):
        self.set_header("Content-Type", "image/png")
        self.write("x" * int(count))


class Template(tornado.web.RequestHandler):
    def get(self, name):
        self.render(name + ".html", name=self.get_argument("name", ""), n=3, items=["first", "<b>", "last"],
                    post={"title": "é"})


class Entry(tornado.web.UIModule):
    def render(self, title, number):
        return self.render_string("entry.html", title=title, number=number)

    def embedded_css(self):
        return "h2 { color: red }"

    def javascript_files(self):
        return "/entry.js"


class Host(tornado.web.RequestHandler):
    def get(self):
        self.write("the other host")


def main():
    compressed = tornado.web.Application([
        (r"/compressed/text/(\d+)", LongText), (r"/compressed/image/(\d+)", LongBytes), (r"/compressed/flushed", Flushed),
        (r"/compressed/fail/(\d+)", Fail), (r"/compressed/status/(\d+)", Status),
    ], compress_response=True)
    application = tornado.web.Application([
        (r"/", Text), (r"/arguments", Arguments), (r"/needed", Needed), (r"/path/([^/]*)/(.*)", Path),
        (r"/optional(/x)?/(.*)", Path), (r"/named/(?P<first>[^/]+)/(?P<second>[^/]+)", Named),
        (r"/cookies", Cookies), (r"/set-cookies", SetCookies), (r"/signed", Signed), (r"/json", Json),
        (r"/status/(\d+)", Status), (r"/fail/(\d+)", Fail), (r"/raise", Raise), (r"/written", Written),
        (r"/redirect", Redirect), (r"/tagged", Tagged), (r"/flushed", Flushed), (r"/headers", Headers),
        (r"/set-headers", SetHeaders), (r"/body", Body), (r"/upload", Upload), (r"/prepared", Prepared),
        (r"/page/?", RemoveSlash), (r"/folder/?", AddSlash), (r"/member", Member), (r"/protected", Protected),
        tornado.web.URLSpec(r"/url/([^/]+)/([^/]+)", Path, name="named-path"), (r"/url-for", Url),
        (r"/old/(.*)", tornado.web.RedirectHandler, {"url": "/new/{0}"}),
        (r"/template/(\w+)", Template),
        (r"/compressed/.*", compressed),
        (r"/gone", tornado.web.ErrorHandler, {"status_code": 410}),
    ], cookie_secret=SECRET, login_url="/login", template_path=sys.argv[1], static_path=sys.argv[2],
       static_handler_args={"default_filename": "index.html"}, ui_modules={"Entry": Entry})
    application.add_handlers(r"other\.example", [(r"/", Host)])

    async def serve():
        sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
        server = tornado.httpserver.HTTPServer(application)
        server.add_sockets(sockets)
        print(sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        os._exit(0)

    asyncio.run(serve())


main()
