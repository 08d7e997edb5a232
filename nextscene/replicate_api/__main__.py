"""Starts Cog's own server, and stands in for Replicate before it: what `script/serve --api` calls."""

import argparse
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

from nextscene import NextSceneError
from nextscene.files import own_folder
from nextscene.replicate_api.cog import Cog
from nextscene.replicate_api.routes import Api
from nextscene.replicate_api.server import Server

HERE = "127.0.0.1"
LOOK = 0.2  # seconds between two looks at whether Cog is ready
CERTIFICATE = Path(".cog/replicate-api.pem")


def main() -> None:
    parser = argparse.ArgumentParser("script/serve --api", description=__doc__)
    parser.add_argument("--host", default=HERE)
    parser.add_argument("--port", type=int, default=5000)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        _serve(options.host, options.port)
    except NextSceneError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _serve(host: str, port: int) -> None:
    context = certified(CERTIFICATE, host)
    with socket.create_server((HERE, 0)) as free:
        inner = free.getsockname()[1]
    command = [sys.executable, "-m", "cog.server.http", "--host", HERE]
    with subprocess.Popen(command, env=os.environ | {"PORT": str(inner)}) as process:
        try:
            cog = Cog(f"http://{HERE}:{inner}")
            _await(cog, process)
            api = Api(cog, own_folder("next-scene-replicate-api"), os.environ.get("REPLICATE_API_TOKEN"))
            server = Server(api, (host, port), context)
            Thread(target=_end_with, args=(process, server), daemon=True).start()
            print(_usage(f"https://{host}:{server.server_port}", cog.address), flush=True)
            server.serve_forever()
            raise NextSceneError("Cog's server ended, and so does what stands before it.")
        finally:
            process.terminate()


def _end_with(process: subprocess.Popen[bytes], server: Server) -> None:
    process.wait()
    server.shutdown()


def certified(file: Path, host: str) -> ssl.SSLContext:
    """TLS with a certificate of this machine's own, made anew; `file` is what a client has to trust."""
    names = ["IP:127.0.0.1", "IP:::1", "DNS:localhost", f"{'IP' if host[0].isdigit() or ':' in host else 'DNS'}:{host}"]
    file.parent.mkdir(exist_ok=True)
    key = file.with_suffix(".key")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "30", "-subj", "/CN=Next Scene on this machine", "-keyout", str(key), "-out", str(file)]
    command += [
        "-addext",
        f"subjectAltName={','.join(names)}",
        "-addext",
        "keyUsage=critical,digitalSignature,keyCertSign",
    ]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NextSceneError("The command openssl is needed for a certificate, and is not here: install it.") from None
    if run.returncode:
        raise NextSceneError(f"openssl could not make a certificate for {host}: {run.stderr.strip()[-300:]}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return context


def _await(cog: Cog, process: subprocess.Popen[bytes]) -> None:
    while (state := cog.state()) != "READY":
        if process.poll() is not None or state == "SETUP_FAILED":
            raise NextSceneError("Cog's server did not get ready: what is printed above says why.")
        time.sleep(LOOK)


def _usage(address: str, cog: str) -> str:
    certificate = CERTIFICATE.absolute()
    return f"""
Standing in for Replicate at {address}, before Cog's server at {cog}; stop with Ctrl-C.
For code that uses Replicate's clients:

  export REPLICATE_API_TOKEN=any-word REPLICATE_BASE_URL={address}
  export SSL_CERT_FILE={certificate} NODE_EXTRA_CA_CERTS={certificate}

and for JavaScript: new Replicate({{ baseUrl: process.env.REPLICATE_BASE_URL + "/v1" }})
"""


if __name__ == "__main__":
    main()
