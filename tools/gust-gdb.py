"""Coroutines in gdb, of a stopped program or a core file.

    $ gdb -x tools/gust-gdb.py PROGRAM core
    (gdb) gust coroutines

prints all coroutines as gust_dump does: what each waits for and since when, those that stand alike under one
backtrace. `gust coroutines NAME` shows only those whose name contains NAME. Needs the debugging information of gust.

A core file that the kernel writes has everything. gcore stops reading a mapping at the first page it may not read, and
on Linux 6.13 and later the stacks' guards are such pages: start the program with GUST_NO_GUARD_INSTALL=1 for gcore.
"""
import gdb
import gdb.unwinder

REGISTERS = {  # of a parked flow: src/coro/switch.h
    "x86-64": {"rip": "resume", "rsp": "stack_pointer", "rbp": "frame_pointer", "rbx": "base_pointer"},
    "aarch64": {"pc": "resume", "sp": "stack_pointer", "x29": "frame_pointer", "x19": "base_pointer"},
}
DEEPEST = 64


def pointer_to(name):
    return gdb.lookup_type(name).pointer()


def container(node, type_name, member):
    kind = gdb.lookup_type(type_name)
    offset = next(field.bitpos for field in kind.fields() if field.name == member) // 8
    return (node.cast(pointer_to("char")) - offset).cast(kind.pointer())


def members(head, type_name, member):
    node = head["next"]
    while node != head.address:
        yield container(node, type_name, member)
        node = node["next"]


class FrameId:
    def __init__(self, stack, place):
        self.sp, self.pc = stack, place


class Parked(gdb.unwinder.Unwinder):
    """While a flow is set, the caller of the selected thread's innermost frame is where that flow goes on. That
    works without writing registers, which a core file does not allow."""

    def __init__(self):
        super().__init__("gust-parked")
        self.flow = None
        self.claimed = None  # the level of that innermost frame: behind functions that are inlined into it

    def __call__(self, pending):
        if self.flow is None or self.claimed is not None:
            return None
        self.claimed = pending.level()
        architecture = "aarch64" if "aarch64" in pending.architecture().name() else "x86-64"
        word = gdb.lookup_type("unsigned long")
        zero = gdb.Value(0).cast(word)  # the lowest of all: other stacks may lie on either side of the thread's own
        unwound = pending.create_unwind_info(FrameId(zero, zero))
        for register, field in REGISTERS[architecture].items():
            unwound.add_saved_register(register, self.flow[field].cast(word))
        return unwound

    def frames(self, flow):
        self.flow, self.claimed = flow, None
        gdb.invalidate_cached_frames()
        try:
            frame = gdb.newest_frame()
            while frame is not None and (self.claimed is None or frame.level() <= self.claimed):
                frame = frame.older()
            for _ in range(DEEPEST):
                if frame is None or not frame.is_valid():
                    return
                yield frame
                frame = frame.older()
        finally:
            self.flow = None
            gdb.invalidate_cached_frames()


PARKED = Parked()
gdb.unwinder.register_unwinder(None, PARKED, replace=True)


def described(frame):
    name = frame.name() or hex(frame.pc())
    place = frame.find_sal()
    return f"{name} ({place.symtab.filename.rpartition('/')[2]}:{place.line})" if place.symtab else name


def loops():
    return members(gdb.parse_and_eval("gust__loops"), "struct gust_loop", "everywhere")


def coroutines(loop):
    states = loop["face"]["states"]
    home = states[0].cast(pointer_to("struct gust__coroutines"))
    if home != 0:
        yield from members(home.dereference()["all"], "struct gust__coroutine", "member")


def name_of(coroutine):
    if coroutine["name"][0] != 0:
        return coroutine["name"].string(errors="replace")
    return coroutine["serves"].string(errors="replace") if coroutine["serves"] != 0 \
        else f"coroutine {int(coroutine['number'])}"


def state_of(coroutine):
    if not coroutine["parked"]:
        return "runs, or has not begun"
    if coroutine["task"]["next"] != 0:
        return "ready"
    return coroutine["waits_for"].string() if coroutine["waits_for"] != 0 else "its turn"


def alike(coroutine):
    """-> what coroutines at the same place have in common, without unwinding each: entry, place and depth"""
    if not coroutine["parked"]:
        return (0,)
    depth = int(coroutine.cast(gdb.lookup_type("unsigned long"))) - \
        int(coroutine["flow"]["stack_pointer"].cast(gdb.lookup_type("unsigned long")))
    return int(coroutine["function"].cast(gdb.lookup_type("unsigned long"))), \
        int(coroutine["flow"]["resume"].cast(gdb.lookup_type("unsigned long"))), depth


class Gust(gdb.Command):
    """What gust knows: gust coroutines."""

    def __init__(self):
        super().__init__("gust", gdb.COMMAND_STACK, prefix=True)


class Coroutines(gdb.Command):
    """Prints all coroutines, with their backtraces: gust coroutines [PART OF A NAME]"""

    def __init__(self):
        super().__init__("gust coroutines", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        for number, loop in enumerate(loops(), 1):
            groups = {}
            for coroutine in coroutines(loop):
                if argument in name_of(coroutine):
                    groups.setdefault(alike(coroutine), []).append(coroutine)
            count = sum(len(group) for group in groups.values())
            print(f"---- {count} coroutines of loop {number} ----")
            now = int(loop["face"]["time"])
            for group in sorted(groups.values(), key=len, reverse=True):
                self.show(group, now)
            print(f"---- end of {count} coroutines ----")

    def show(self, group, now):
        print(f"{len(group)} {'all here' if len(group) > 1 else 'here'}:")
        if group[0]["parked"]:
            for frame in PARKED.frames(group[0]["flow"]):
                print(f"  at {described(frame)}")
        for coroutine in group:
            since = (now - int(coroutine["resumed"])) / 1e9
            age = (now - int(coroutine["started"])) / 1e9
            print(f"    {name_of(coroutine)}: {state_of(coroutine)}, for {since:.3f} s; {age:.3f} s old")


Gust()
Coroutines()
