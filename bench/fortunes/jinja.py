"""The page of bench/templates.c by Jinja2."""
import sys
import time

import jinja2

PAGE = """<!DOCTYPE html>
<html>
<head><title>Fortunes</title></head>
<body>
<table>
<tr><th>id</th><th>message</th></tr>
{% for fortune in fortunes %}<tr><td>{{ fortune.id }}</td><td>{{ fortune.message }}</td></tr>
{% endfor %}</table>
</body>
</html>
"""
template = jinja2.Environment(autoescape=True, keep_trailing_newline=True).from_string(PAGE)
with open(sys.argv[1], encoding="utf-8") as file:
    rows = [{"id": number, "message": line.rstrip("\n")} for number, line in enumerate(file, 1)]


def make_values():
    return sorted([*rows, {"id": 0, "message": "Additional fortune added at request time."}], key=lambda row: row["message"])


def measure(function):
    best = 1e9
    for _ in range(7):
        start = time.process_time()
        for _ in range(2000):
            function()
        best = min(best, (time.process_time() - start) / 2000)
    return best * 1e9


values = make_values()
if len(sys.argv) > 2:
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(template.render(fortunes=values))
else:
    print("render %.0f ns" % measure(lambda: template.render(fortunes=values)))
    print("page %.0f ns" % measure(lambda: template.render(fortunes=make_values())))
