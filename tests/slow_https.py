"""An HTTPS server that answers a while later: slow_https.py ADDRESS PORT CERTIFICATE KEY SECONDS.

GET /7?seconds=0 is answered with 7, after other seconds than usual.
"""
import asyncio
import re
import ssl
import sys


async def serve(reader, writer, seconds):
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            name, own_seconds = re.match(rb"GET /(\w*)(?:\?seconds=([\d.]+))? ", head).groups()
            await asyncio.sleep(float(own_seconds or seconds))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(name) + name)
            await writer.drain()
    except (asyncio.IncompleteReadError, OSError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def main(address, port, certificate, key, seconds):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(lambda reader, writer: serve(reader, writer, seconds), address, int(port),
                                        ssl=context, backlog=512)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
