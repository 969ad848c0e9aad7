"""tools/install-deps, on machines that are played by false commands: nothing is really installed."""

import pathlib
import subprocess

import pytest

pytestmark = pytest.mark.plain

TOOL = pathlib.Path(__file__).resolve().parent.parent / "tools/install-deps"
BUILD = [line.split()[1].partition("|")[0] for line in (TOOL.parent / "packages").read_text().splitlines()
         if line.startswith("build ")]

# Its state are files beside it: installed, known (candidates), fresh (apt-get update ran), calls.
COMMANDS = {
    "dpkg-query": 'while read -r name; do echo "ii  $name"; done <"$STATE/installed"',
    "apt-cache": 'if [ -e "$STATE/fresh" ] && grep -qx "$2" "$STATE/known"; then echo "  Candidate: 1"; '
                 'else echo "  Candidate: (none)"; fi',
    "apt-get": 'echo "$@" | sed "s/-o [^ ]*//; s/-[qy] //g" >>"$STATE/calls"; '
               'case "$*" in *update*) : >"$STATE/fresh" ;; '
               '*) ls -l "$POLICY_RC_D" >"$STATE/policy_then"; [ ! -e "$STATE/broken" ] || { echo no disk; exit 100; } ;; '
               'esac',
    "id": 'cat "$STATE/id"',
    "sudo": 'echo sudo >>"$STATE/sudo"; exec "$@"',
}


class Machine:
    def __init__(self, root, lacks=()):
        self.root = root
        self.bin = root / "bin"
        self.bin.mkdir()
        for name in ("sh", "sed", "grep", "tr", "cat", "mktemp", "rm", "env", "tee", "chmod", "dirname", "ls"):
            (self.bin / name).symlink_to(f"/usr/bin/{name}")
        for name, body in COMMANDS.items():
            if name not in lacks:
                (self.bin / name).write_text(f"#!/bin/sh\n{body}\n")
                (self.bin / name).chmod(0o755)
        self.write("installed", BUILD)
        self.write("known", BUILD)
        self.write("fresh", [])
        self.write("id", ["0"])

    def write(self, name, lines):
        (self.root / name).write_text("".join(line + "\n" for line in lines))

    def read(self, name):
        return (self.root / name).read_text().splitlines() if (self.root / name).exists() else []

    def run(self, *arguments, **more):
        done = subprocess.run([TOOL, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              env={"PATH": str(self.bin), "STATE": str(self.root),
                                   "POLICY_RC_D": str(self.root / "policy"), **more})
        return done.returncode, done.stdout


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_nothing_missing_nothing_done(machine):
    assert machine.run() == (0, "")
    assert machine.read("calls") == []


def test_only_what_is_missing_is_installed(machine):
    machine.write("installed", [name for name in BUILD if name not in ("cmake", "libdw-dev")])
    assert machine.run()[0] == 0
    assert [line.split() for line in machine.read("calls")] == [["install", "--no-install-recommends", "cmake", "libdw-dev"]]


def test_an_alternative_counts(machine):
    machine.write("installed", ["pkgconf" if name == "pkg-config" else name for name in BUILD])
    assert machine.run() == (0, "")


def test_the_alternative_that_apt_knows_is_taken(machine):
    machine.write("installed", [name for name in BUILD if name != "pkg-config"])
    machine.write("known", ["pkgconf"])
    assert machine.run()[0] == 0
    assert machine.read("calls")[-1].endswith(" pkgconf")


def test_a_fresh_machine_is_updated_first(machine):
    (machine.root / "fresh").unlink()
    machine.write("installed", [])
    assert machine.run()[0] == 0
    calls = machine.read("calls")
    assert len(calls) == 2 and "update" in calls[0] and calls[1].endswith(" ".join(BUILD))


def test_no_service_may_start_and_the_policy_goes_again(machine):
    machine.write("installed", [])
    assert machine.run()[0] == 0
    assert "rwxr-xr-x" in machine.read("policy_then")[0]
    assert not (machine.root / "policy").exists()


def test_a_policy_that_was_there_stays(machine):
    machine.write("installed", [])
    machine.write("policy", ["#!/bin/sh"])
    assert machine.run()[0] == 0
    assert machine.read("policy") == ["#!/bin/sh"]


def test_a_failure_shows_what_apt_said_and_leaves_no_policy(machine):
    machine.write("installed", [])
    machine.write("broken", [])
    status, said = machine.run()
    assert status != 0 and "no disk" in said and "apt-get install failed" in said
    assert not (machine.root / "policy").exists()


def test_who_is_not_root_uses_sudo(machine):
    machine.write("installed", [])
    machine.write("id", ["1000"])
    assert machine.run()[0] == 0
    assert machine.read("sudo")


def test_without_sudo_it_says_what_is_missing(tmp_path):
    machine = Machine(tmp_path, lacks=["sudo"])
    machine.write("installed", [name for name in BUILD if name != "cmake"])
    machine.write("id", ["1000"])
    status, said = machine.run()
    assert status == 1 and "cmake" in said and "gcc" not in said


def test_elsewhere_it_lists_and_fails(tmp_path):
    machine = Machine(tmp_path, lacks=["apt-get", "dpkg-query"])
    status, said = machine.run()
    assert status == 1 and "neither Debian nor Ubuntu" in said and all(name in said for name in BUILD)
    assert machine.run(GUST_SKIP_DEPS="1") == (0, "")


def test_profiles_add_to_the_build(machine):
    status, said = machine.run("--tests", "--list")
    assert status == 0 and "libcmocka-dev" in said and "cmake" in said and "h2o" not in said
    assert "libsqlite3-dev" in said  # the tests drive the demo's programs
    status, said = machine.run("--demo", "--list")
    assert status == 0 and "libsqlite3-dev" in said and "cmake" in said and "libcmocka-dev" not in said
    assert machine.run("--nonsense")[0] == 2
