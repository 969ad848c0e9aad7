"""An HTTPS server that answers every request a while later: slow_https.py ADDRESS PORT CERTIFICATE KEY SECONDS."""
import asyncio
import ssl
import sys

BODY = b"that took a while\n"


async def serve(reader, writer, seconds):
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(seconds)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
            await writer.drain()
    except (asyncio.IncompleteReadError, OSError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def main(address, port, certificate, key, seconds):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(lambda reader, writer: serve(reader, writer, float(seconds)), address,
                                        int(port), ssl=context, backlog=512)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
