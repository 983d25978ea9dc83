"""Running the study's server until it is stopped."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from kineograph.core.errors import StudyError
from kineograph.evaluation.study.sittings import Sittings
from kineograph.evaluation.study.store import Store
from kineograph.evaluation.study.study_folder import Study, StudyFolder

PACKAGES = "the study's server needs packages; pip install 'kineograph[study]'"


@dataclass(frozen=True)
class Address:
    """Where the server listens, and under which address people reach it.

    Args:
        host: an address of this machine; 0.0.0.0 is all of them.
        port: 0 takes a free one.
        public: as https://study.example.org, behind a proxy; empty: host and port.
        proxied: whether a proxy in front says who asks.
        admin: the secret of the admin's link; empty takes the study's own.
    """

    host: str = "127.0.0.1"
    port: int = 8321
    public: str = ""
    proxied: bool = False
    admin: str = field(default="", repr=False)


@dataclass(frozen=True)
class Links:
    """What people open: raters, and whoever runs the study."""

    invite: str
    admin: str


def links_of(study: Study, address: Address, port: int) -> Links:
    """The links of a study that is served."""
    host = "localhost" if address.host in ("127.0.0.1", "0.0.0.0", "::") else address.host
    base = address.public.rstrip("/") or f"http://{host}:{port}"
    return Links(f"{base}/join/{study.invite}", f"{base}/admin/{address.admin or study.admin}")


def serve(folder: StudyFolder, address: Address, ready: Callable[[Study, Links], None]) -> None:
    """Serve a study until the process is stopped; whatever was acknowledged is then on the disk.

    Args:
        folder: of the study.
        address: where.
        ready: told the links when requests are taken.

    Raises:
        StudyError: packages are missing, it is no study, or the port is taken.
        KeyboardInterrupt: it was stopped.
    """
    try:
        import uvicorn

        from kineograph.evaluation.study.server import make_app
    except ImportError as error:
        raise StudyError(f"{PACKAGES} ({error.name} is missing)") from None
    study = folder.read()
    listening = _listen(address)
    store = Store(folder.votes)
    try:
        app = make_app(Sittings(folder, study, store), address.admin or None)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,  # it would write the raters' secrets
            server_header=False,
            proxy_headers=address.proxied,
            forwarded_allow_ips="127.0.0.1" if address.proxied else None,
            timeout_graceful_shutdown=5,
        )
        ready(study, links_of(study, address, listening.getsockname()[1]))
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        store.close()
        listening.close()


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # asyncio sends small answers at once only on sockets that say that they are TCP; others wait
    # 40 ms for the receiver
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address.host, address.port))
        listening.listen(512)
    except OSError as error:
        listening.close()
        raise StudyError(
            f"cannot listen at {address.host}:{address.port}: {error.strerror or error}; give "
            "another --port, or 0 for a free one"
        ) from None
    return listening
