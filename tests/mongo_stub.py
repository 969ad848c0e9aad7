"""Enough of MongoDB for a client library to work with: mongo_stub.py ADDRESS PORT.

No server of MongoDB is packaged. This one speaks the wire protocol (OP_MSG, and OP_QUERY for the first greeting) and
knows hello, ping, insert and find with a filter of equal fields. {"$where": "sleep(200) || true"} in a find's filter,
or "sleep(200)" as a command's comment, delays the answer by so many milliseconds.
"""
import asyncio
import itertools
import re
import struct
import sys

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
MORE_TO_COME = 2
DOUBLE, STRING, DOCUMENT, ARRAY, BINARY, OBJECT_ID, BOOLEAN, DATE, NOTHING, INT32, TIMESTAMP, INT64 = (
    1, 2, 3, 4, 5, 7, 8, 9, 10, 16, 17, 18)
FIXED = {DOUBLE: "<d", DATE: "<q", INT32: "<i", TIMESTAMP: "<Q", INT64: "<q"}


# ---- BSON ----

def decode_value(kind, data, at):
    """-> (value, where the next begins)"""
    if kind in FIXED:
        return struct.unpack_from(FIXED[kind], data, at)[0], at + struct.calcsize(FIXED[kind])
    if kind == STRING:
        size = struct.unpack_from("<i", data, at)[0]
        return data[at + 4:at + 3 + size].decode(), at + 4 + size
    if kind in (DOCUMENT, ARRAY):
        value, end = decode(data, at)
        return (list(value.values()) if kind == ARRAY else value), end
    if kind == BINARY:
        size = struct.unpack_from("<i", data, at)[0]
        return data[at + 5:at + 5 + size], at + 5 + size
    if kind == OBJECT_ID:
        return ObjectId(data[at:at + 12]), at + 12
    if kind == BOOLEAN:
        return data[at] != 0, at + 1
    if kind == NOTHING:
        return None, at
    raise ValueError(f"BSON type {kind}")


def decode(data, at=0):
    """-> (document, where it ends)"""
    end = at + struct.unpack_from("<i", data, at)[0]
    at += 4
    document = {}
    while data[at]:
        zero = data.index(0, at + 1)
        document[data[at + 1:zero].decode()], at = decode_value(data[at], data, zero + 1)
    return document, end


class ObjectId(bytes):
    pass


def encode_value(value):
    """-> (type, bytes)"""
    if isinstance(value, bool):
        return BOOLEAN, bytes([value])
    if isinstance(value, int):
        return (INT32, struct.pack("<i", value)) if abs(value) < 2**31 else (INT64, struct.pack("<q", value))
    if isinstance(value, float):
        return DOUBLE, struct.pack("<d", value)
    if isinstance(value, str):
        return STRING, struct.pack("<i", len(value.encode()) + 1) + value.encode() + b"\0"
    if isinstance(value, ObjectId):
        return OBJECT_ID, bytes(value)
    if isinstance(value, bytes):
        return BINARY, struct.pack("<iB", len(value), 0) + value
    if isinstance(value, list):
        return ARRAY, encode({str(i): one for i, one in enumerate(value)})
    if value is None:
        return NOTHING, b""
    return DOCUMENT, encode(value)


def encode(document):
    body = b""
    for name, value in document.items():
        kind, data = encode_value(value)
        body += bytes([kind]) + name.encode() + b"\0" + data
    return struct.pack("<i", len(body) + 5) + body + b"\0"


# ---- Commands ----

stored = {}  # {database.collection: [document]}


def greet():
    return {"ismaster": True, "isWritablePrimary": True, "helloOk": True, "maxBsonObjectSize": 16 << 20,
            "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000, "minWireVersion": 0, "maxWireVersion": 13,
            "readOnly": False}


def insert(command):
    stored.setdefault(f"{command['$db']}.{command['insert']}", []).extend(command["documents"])
    return {"n": len(command["documents"])}


def find(command):
    name = f"{command['$db']}.{command['find']}"
    wanted = {field: value for field, value in command.get("filter", {}).items() if field != "$where"}
    found = [document for document in stored.get(name, [])
             if all(document.get(field) == value for field, value in wanted.items())]
    return {"cursor": {"id": 0, "ns": name, "firstBatch": found[:command.get("limit") or None]}}


def delay(command):
    """-> seconds to wait before it is answered"""
    texts = [command.get("comment"), command.get("filter", {}).get("$where")]
    return sum(int(asked.group(1)) / 1000 for text in texts
               if isinstance(text, str) and (asked := re.match(r"sleep\((\d+)\)", text)))


def answer(command):
    name = next(iter(command)).lower()
    if name in ("hello", "ismaster"):
        return {**greet(), "ok": 1.0}
    if name == "insert":
        return {**insert(command), "ok": 1.0}
    if name == "find":
        return {**find(command), "ok": 1.0}
    if name in ("ping", "endsessions"):
        return {"ok": 1.0}
    return {"ok": 0.0, "errmsg": f"no such command: '{name}'", "code": 59, "codeName": "CommandNotFound"}


# ---- The wire ----

def read_message(data):
    """-> (flags, command) of an OP_MSG's sections"""
    flags, at, command = struct.unpack_from("<I", data)[0], 4, {}
    while at < len(data):
        kind = data[at]
        if kind == 0:
            document, at = decode(data, at + 1)
            command = {**document, **command}
        else:
            end = at + 1 + struct.unpack_from("<i", data, at + 1)[0]
            zero = data.index(0, at + 5)
            documents, position = [], zero + 1
            while position < end:
                document, position = decode(data, position)
                documents.append(document)
            command[data[at + 5:zero].decode()] = documents
            at = end
    return flags, command


def read_query(data):
    zero = data.index(0, 4)
    document, _ = decode(data, zero + 9)
    return document.get("$query", document)


numbers = itertools.count(1)


async def serve(reader, writer):
    try:
        while head := await reader.readexactly(16):
            size, request, _, operation = struct.unpack("<iiii", head)
            data = await reader.readexactly(size - 16)
            flags, command = read_message(data) if operation == OP_MSG else (0, read_query(data))
            await asyncio.sleep(delay(command))
            if flags & MORE_TO_COME:
                continue
            body = encode(answer(command))
            if operation == OP_MSG:
                body = struct.pack("<IB", 0, 0) + body
            else:
                body = struct.pack("<iqii", 8, 0, 0, 1) + body
            reply = OP_MSG if operation == OP_MSG else OP_REPLY
            writer.write(struct.pack("<iiii", len(body) + 16, next(numbers), request, reply) + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, OSError):
        pass
    finally:
        writer.close()


async def main(address, port):
    server = await asyncio.start_server(serve, address, int(port), backlog=512)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
