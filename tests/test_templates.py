"""Templates beside Tornado's own, byte for byte where the languages are the same; and those that gust-template compiles."""
import json
import subprocess

import pytest

template = pytest.importorskip("tornado.template")

pytestmark = pytest.mark.plain

VALUES = {
    "name": "<b> & \"c\" 'd'", "n": 3, "pi": 3.25, "small": 0.00001, "large": 1e22, "whole": 2.0, "items": ["a", "<b>", "ä"],
    "numbers": [3, 1, 2], "pairs": [[1, "one"], [2, "two"]], "post": {"title": "On <x>", "tags": ["c", "web"]},
    "empty": [], "text": "  two \n\n words  ", "query": "a b&c=d/ü?", "quoted": "</script>\u2028 \U0001f600 \x7f\t\"\\",
}

# name of the case: the template, or its files, of which the first is rendered
SAME = {
    "text": "plain text\n",
    "nothing": "",
    "value": "Hello {{ name }}!",
    "values": "{{ n }} {{ pi }} {{ small }} {{ large }} {{ whole }} {{ -n }} {{ 1 / 3 }} {{ 0.1 + 0.2 }} {{ 100000.0 * 1000000 }}",
    "literals": "{{ 'a\\n\\t\\x41\\u00e4\\'' }} {{ \"b\\\\\" }} {{ 12 }} {{ 1.50 }}",
    "integers": "{{ 7 + 2 * 3 }} {{ (7 + 2) * 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 // -2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7 / 2 }} "
                "{{ 6 / 2 }} {{ 2 - 3 - 4 }} {{ - -1 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 9223372036854775807 }}",
    "text sum": "{{ 'a' + name + 'b' }}",
    "comparing": "{% if n == 3 and n != 4 and n < 4 and n <= 3 and n > 2 and n >= 3 %}yes{% end %}{% if 'a' < 'b' and not 'b' < 'a' %}yes{% end %}"
                 "{% if n == 3.0 %}yes{% end %}{% if items == ['a', '<b>', 'ä'] %}yes{% end %}",
    "in": "{% if 'a' in items and 'z' not in items and not 'z' in items and 'w' in 'two' and 'title' in post %}yes{% end %}",
    "is": "{% if None is None and n is not None %}yes{% end %}",
    "and or": "{{ 0 or 'x' }}{{ 1 and 'y' }}{{ '' or 0 or 'z' }}{{ n and 0 }}",
    "choice": "{{ 'a' if n == 3 else 'b' }}{{ 'a' if n == 4 else 'b' if n == 5 else 'c' }}",
    "index": "{{ items[0] }}{{ items[-1] }}{{ post['title'] }}{{ 'abc'[1] }}{{ name[0] }}{{ [1, [2, 3]][1][0] }}",
    "length": "{{ len(items) }}{{ len('ä€') }}{{ len(post) }}{{ len([]) }}",
    "functions": "{{ escape(name) }} {{ xhtml_escape(name) }} {{ url_escape(query) }} {{ url_escape(query, False) }} {{ squeeze(text) }} "
                 "{{ str(n) + 'x' }} {{ int('12') + 1 }} {{ int(3.9) }}",
    "json": "{% raw json_encode(items) %}{% raw json_encode(post) %}{% raw json_encode(quoted) %}{% raw json_encode([1, 2.5, None, True, False, []]) %}",
    "raw": "{% raw name %}",
    "autoescape": "{% autoescape None %}{{ name }}",
    "autoescape is of the whole file": "{{ name }}{% autoescape None %}",
    "autoescape by a function": "{% autoescape url_escape %}{{ query }}{{ n }}",
    "for": "{% for x in items %}<li>{{ x }}</li>\n{% end %}",
    "for else": "{% for x in items %}{{ x }}{% else %}done{% end %}{% for x in empty %}{{ x }}{% else %}none{% end %}",
    "for pairs": "{% for number, word in pairs %}{{ number }}={{ word }};{% end %}",
    "for triples": "{% for a, b, c in [[1, 2, 3], [4, 5, 6]] %}{{ a }}{{ b }}{{ c }};{% end %}",
    "for keys": "{% for key in post %}{{ key }} {% end %}",
    "for variables stay": "{% for x in items %}{% end %}{{ x }}",
    "for in for": "{% for x in [1, 2, 3] %}{% for y in range(x) %}{{ x }}{{ y }} {% end %}{% end %}",
    "break, continue": "{% for x in range(10) %}{% if x == 2 %}{% continue %}{% end %}{% if x == 5 %}{% break %}{% end %}{{ x }}{% else %}no{% end %}",
    "break in while": "{% set i = 0 %}{% while True %}{% set i = i + 1 %}{% if i > 3 %}{% break %}{% end %}{{ i }}{% end %}",
    "while else": "{% set i = 0 %}{% while i < 3 %}{{ i }}{% set i += 1 %}{% else %}end{% end %}",
    "range": "{% for x in range(2, 10, 3) %}{{ x }},{% end %}{% for x in range(3, 0, -1) %}{{ x }},{% end %}{% for x in range(0) %}x{% end %}",
    "if": "{% if n == 1 %}a{% elif n == 2 %}b{% elif n == 3 %}c{% else %}d{% end %}{% if empty %}e{% else %}f{% end %}",
    "truth": "{% for x in [0, 1, '', 'a', [], [0], 0.0, 0.5, None] %}{{ 1 if x else 0 }}{% end %}",
    "set": "{% set a = 1 %}{{ a }}{% set a = a + 1 %}{{ a }}{% set b, c = [5, 6] %}{{ b }}{{ c }}{% set a *= 10 %}{{ a }}",
    "try": "{% try %}{{ unknown }}{% except %}failed{% end %}{% try %}fine{% except %}failed{% else %}, else{% finally %}, finally{% end %}",
    "try in a loop": "{% for x in [1, 0, 2] %}{% try %}{% set y = 6 // x %}{{ y }}{% except %}-{% finally %};{% end %}{% end %}",
    "break through finally": "{% for x in range(5) %}{% try %}{% if x == 2 %}{% break %}{% end %}{{ x }}{% finally %}f{% end %}{% end %}.",
    "continue through tries": "{% for x in range(3) %}{% try %}{% try %}{% if x == 1 %}{% continue %}{% end %}{{ x }}{% finally %}a{% end %}{% finally %}b{% end %}{% end %}.",
    "apply": "a{% apply escape %}  a   {{ name }}\n{% if n %} b {% end %}{% end %}c",
    "apply in apply": "{% apply escape %}< {% apply url_escape %}a b{% end %} >{% end %}",
    "comments": "a{# b {{ c }} #}d{% comment e {{ f }} %}g",
    "escapes": "{{! x }} {%! y %} {#! z #} {{!",
    "braces": "{ a } {{{ n }}} { {% if 1 %}{ {% end %}",
    "brace at the end": "a {",
    "several lines": "a\n{% if n %}\nb\n{% else %}\nc\n{% end %}\nd",
    "white space in tags": "{{n}}{{   n   }}{%if n%}a{%end%}",
    "attributes": "<a title=\"{{ name }}\" alt='{{ name }}'>{{ name }}</a>",
    "class list": "<p class=\"a{% if n %} b{% end %} c-{{ n }}\"{% if n %} hidden{% end %}>",
    "title": "<title>{{ name }}</title><textarea>{{ name }}</textarea>",
    "comment in html": "<!-- {{ n }} -->{{ name }}",
    "inheritance": {
        "child": "{% extends base %}ignored{% block body %}<b>{{ name }}</b>{% end %}{% block other %}o{% end %}",
        "base": "<html>{% block head %}default head{% end %}|{% block body %}default{% end %}|{% block unset %}u{% end %}</html>",
    },
    "inheritance thrice": {
        "c": "{% extends 'b' %}{% block x %}cx{% end %}",
        "b": "{% extends \"a\" %}{% block y %}by {% block x %}bx{% end %}{% end %}",
        "a": "[{% block y %}ay{% end %}|{% block x %}ax{% end %}]",
    },
    "autoescape of a block is its file's": {
        "child": "{% extends base %}{% autoescape None %}{% block a %}{{ name }}{% end %}",
        "base": "{{ name }}{% block a %}{% end %}{{ name }}",
    },
    "include": {"a": "1{% include b %}2{% for x in items %}{% include c %}{% end %}", "b": "b{{ n }}", "c": "({{ x }})"},
    "include in folders": {
        "x/a": "{% include b %}{% include '../c' %}{% include \"sub/d\" %}",
        "x/b": "b", "c": "c", "x/sub/d": "d{% include ../b %}",
    },
    "blocks of included files": {
        "child": "{% extends base %}{% block inner %}changed{% end %}",
        "base": "{% include part %}", "part": "[{% block inner %}original{% end %}]",
    },
    "white space: single": {"a.html": "a  \t b\n\n  c {{ n }}  \n  d\t\n{% if n %}  \n e  {% end %}\n\n\nf"},
    "white space: <pre>": {"a.html": "a  b {{ n }} <pre>\n  x  \n</pre>  y {{ n }}  z"},
    "white space: all": {"a.txt.in": "a  \t b\n\n  c {{ n }}  \n  d\t\n"},
    "white space: changed": {"a.html": "a  b\n\n c {% whitespace all %} a  b\n\n c {% whitespace oneline %} a  b\n\n c {% whitespace single %} d  \n e"},
}

MODES = {
    "all": "a  \t b\n\n  c {{ n }}  \n  d\t\n", "single": "a  \t b\r\n\n  c {{ n }}  \n  d\t\n\f x \v  y",
    "oneline": "a  \t b\r\n\n  c {{ n }}  \n  d\t\n\f x \v  y",
}


def files_of(case):
    return case if isinstance(case, dict) else {"t": case}


def by_tornado(case, **options):
    files = files_of(case)
    return template.DictLoader(files, **options).load(next(iter(files))).generate(**VALUES).decode()


def compile_program(root, build, to, *more):
    subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-I", root / "include", root / "tests/programs/render_templates.c", *more,
                    "-o", to, f"-L{build}", "-lgust", "-ljansson", f"-Wl,-rpath,{build}"], check=True)
    return to


def ask(program, tasks, **more):
    done = subprocess.run([program], input=json.dumps(tasks), capture_output=True, text=True, timeout=60, **more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def render(root, build, tmp_path_factory):
    """render({case: task}) -> {case: result}"""
    program = compile_program(root, build, tmp_path_factory.mktemp("templates") / "render")
    return lambda tasks: dict(zip(tasks, ask(program, list(tasks.values()))))


@pytest.fixture(scope="module")
def results(render):
    """All cases, in one go."""
    tasks = {name: {"files": files_of(case), "name": next(iter(files_of(case))), "values": VALUES} for name, case in SAME.items()}
    return render(tasks)


@pytest.mark.parametrize("name", SAME)
def test_as_tornado(results, name):
    assert results[name] == {"text": by_tornado(SAME[name])}


@pytest.mark.parametrize("mode", MODES)
def test_white_space_as_tornado(render, mode):
    task = {"files": {"t": MODES[mode]}, "name": "t", "values": VALUES, "whitespace": mode}
    assert render({mode: task})[mode] == {"text": by_tornado(MODES[mode], whitespace=mode)}


# What does not parse in Tornado does not here, and the line is the same.
WRONG = {
    "no end": "a\n{% if n %}b\n", "no end of a loop": "{% for x in items %}", "extra end": "a\n\n{% end %}",
    "else outside": "a\n{% else %}", "else in block": "{% block x %}\n{% else %}{% end %}", "elif in for": "{% for x in items %}{% elif x %}{% end %}",
    "unknown statement": "\n{% nothing %}", "empty expression": "{{ }}", "empty tag": "a{% %}", "no braces": "a\n{{ n", "no end of tag": "{% if n",
    "no end of comment": "{# x", "break outside": "\n{% break %}", "continue in apply": "{% for x in items %}{% apply escape %}{% continue %}{% end %}{% end %}",
    "extends nothing": "{% extends %}", "include nothing": "{% include '' %}", "set nothing": "{% set %}", "block nothing": "{% block %}{% end %}",
    "apply nothing": "{% apply %}{% end %}",
}


def test_what_tornado_refuses_is_refused(render):
    results = render({name: {"files": {"t": text}, "name": "t", "values": VALUES} for name, text in WRONG.items()})
    for name, text in WRONG.items():
        with pytest.raises(template.ParseError):
            by_tornado(text)
        assert results[name].get("error", "").startswith("t:"), (name, results[name])


FOLDER = {
    "base.html": "<html><head><title>{% block title %}?{% end %}</title></head>\n<body>{% block body %}{% end %}</body></html>",
    "post.html": "{% extends base.html %}{% block title %}{{ post.title }}{% end %}\n{% block body %}{% for t in post.tags %}"
                 "{% include parts/tag.html %}{% end %}<p title=\"?? \\ {{ n * 2.5 }}\">{{ 9223372036854775807 - n }} ä</p>{% end %}",
    "parts/tag.html": "<a href=\"/tags/{{ t }}\">{{ upper(t) }}</a>\n",
    "parts/open.html": "<p class=\"", # no template of its own
    "uses.html": "{% include parts/open.html %}x\">{{ 'two\\nlines' }}</p>",
}


@pytest.fixture
def folder(tmp_path):
    for name, text in FOLDER.items():
        path = tmp_path / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "templates"


def test_compiled_templates_need_no_files(root, build, render, folder, tmp_path):
    names = ["post.html", "base.html", "parts/tag.html", "uses.html"]
    tasks = {name: {"name": name, "values": {**VALUES, "t": "x"}} for name in names}
    expected = render({name: {**task, "directory": str(folder)} for name, task in tasks.items()})
    assert all("text" in result for result in expected.values()), expected
    done = subprocess.run([build / "gust-template", "--name=compiled", f"--output={tmp_path / 'compiled.c'}", folder],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    folder.rename(tmp_path / "gone")
    program = compile_program(root, build, tmp_path / "program", "-DCOMPILED=compiled", tmp_path / "compiled.c")
    assert dict(zip(tasks, ask(program, list(tasks.values())))) == expected
    assert ask(program, [{"name": "none.html", "values": {}}]) == [{"error": "the template none.html: No such file or directory"}]


@pytest.mark.parametrize("name, text, complaint", [
    ("bad.html", "a\n{% if %}", "bad.html:2: the expression ends too early"),
    ("bad.html", "<p class=\"", "bad.html:1: the template ends in an attribute's value"),
    ("sub/bad.html", "{% include nothing.html %}", "sub/bad.html:1: sub/nothing.html: No such file or directory"),
])
def test_the_tool_names_mistakes(build, folder, name, text, complaint):
    (folder / "sub").mkdir()
    (folder / name).write_text(text)
    done = subprocess.run([build / "gust-template", folder], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, f"gust-template: {complaint}\n")


@pytest.mark.parametrize("arguments", [[], ["--name=1", "."], ["--whitespace=some", "."], ["a", "b"], ["--nothing", "."], ["/does/not/exist"]])
def test_the_tool_refuses(build, arguments):
    done = subprocess.run([build / "gust-template", *arguments], capture_output=True, text=True)
    assert done.returncode in (1, 2) and done.stderr and not done.stdout
