"""The service's configuration: one TOML file in one home folder.

Owns the layout of the home folder and the reading and writing of `notary.toml`. Holds no secret but, if the
operator puts one there, an API key inside the RPC address; so the file's mode is 0600.
Test: tests/unit/service/test_config.py.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from notary.core.budget import wei_of
from notary.core.log_identity import LogIdentity
from notary.errors import CallerError

FORMAT = "notary-config/1"
CONFIG_NAME = "notary.toml"
DEFAULT_HOME = "notary-home"
DATABASE_VARIABLE = (
    "NOTARY_DATABASE"  # goes before the settings: a password need not stand in a file
)
AGENCY_VARIABLE = "NOTARY_AGENCY"  # which agency a command is about, where there are several

DEFAULT_CADENCE_S = 3600  # an empty batch an hour makes silence visible without filling the log
DEFAULT_MAX_BATCH_RECORDS = 100_000  # a peak day of one agency; keeps one sealing within seconds
DEFAULT_MAX_DEADLINE_S = 4 * 3600  # sealing cadence, inclusion and finality with room for an outage
DEFAULT_AS_OF_REFRESH_S = 6 * 3600  # four fresh as-of proofs a day also when nothing is sealed
DEFAULT_MAX_FEE_GWEI = 200  # above this the sender waits (HELD) rather than pay
DEFAULT_REBROADCAST_S = 30
DEFAULT_BUMP_S = 120  # ten blocks on mainnet: by then a fair fee would have been taken
DEFAULT_PRIORITY_BUMP_S = 30  # three blocks on mainnet, for what somebody waits for
DEFAULT_PRIORITY_EVERY_S = 300  # a batch asked for comes no sooner after the last one
DEFAULT_POLL_S = 4
DEFAULT_TIMESTAMP_GAP_S = 24 * 3600  # below the limit of usual policies, 90,000 s
DEFAULT_RENEW_BEFORE_S = 90 * 24 * 3600  # time to replace an authority that is gone for good
MAX_AUTHORITIES = 10  # as many chains has a checkpoint in a package (docs/spec/package.md §1)
OBJECT_SCHEMES = frozenset({"s3", "gs", "az"})
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Webhook:
    """A place that alarms are sent to, and with `anchors` every proved anchor.

    `secret` is a file, from the home folder on.
    """

    name: str
    url: str
    secret: str
    anchors: bool = True


@dataclass(frozen=True)
class Authority:
    """A time-stamping authority: where it answers, and the PEM of the roots that it must lead to."""

    name: str
    url: str
    roots: str


Named = TypeVar("Named", Webhook, Authority)


@dataclass(frozen=True)
class Config:
    """Settings of one service: one agency, one log, one chain. Durations are in seconds."""

    agency: str
    log: str
    chain_id: int
    rpc: str | tuple[str, ...]  # one endpoint, or several, which are compared
    contract: str
    log_address: str
    keys: str = "keys"
    database: str = ""  # a URI of PostgreSQL; empty is a SQLite file in the data folder
    objects: str = ""  # where originals lie; empty is the folder `objects` beside the database
    objects_endpoint: str = ""
    objects_region: str = ""
    cadence_s: int = DEFAULT_CADENCE_S
    max_batch_records: int = DEFAULT_MAX_BATCH_RECORDS
    max_deadline_s: int = DEFAULT_MAX_DEADLINE_S
    as_of_refresh_s: int = DEFAULT_AS_OF_REFRESH_S
    max_fee_gwei: int = DEFAULT_MAX_FEE_GWEI
    # Of the chain's currency, e.g. "0.05". Empty: no cap, since currencies differ by orders of magnitude.
    max_spend_per_day: str = ""
    rebroadcast_s: int = DEFAULT_REBROADCAST_S
    bump_s: int = DEFAULT_BUMP_S
    priority_bump_s: int = DEFAULT_PRIORITY_BUMP_S
    priority_every_s: int = DEFAULT_PRIORITY_EVERY_S
    poll_s: int = DEFAULT_POLL_S
    host: str = "127.0.0.1"
    port: int = 8420
    timestamp_gap_s: int = DEFAULT_TIMESTAMP_GAP_S
    renew_before_s: int = DEFAULT_RENEW_BEFORE_S
    # Whom the worker asks for the keys of signed messages: system, off, or addresses.
    dkim_resolver: str = "system"
    webhook: tuple[Webhook, ...] = ()
    timestamp: tuple[Authority, ...] = ()

    def spend_per_day_wei(self) -> int | None:
        """The most that anchoring may cost in 24 hours; None without a cap. Raises CallerError."""
        return wei_of(self.max_spend_per_day) if self.max_spend_per_day else None

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The addresses of the chain's endpoints."""
        return (self.rpc,) if isinstance(self.rpc, str) else self.rpc

    @property
    def identity(self) -> LogIdentity:
        """Which log these settings name."""
        return LogIdentity(
            self.chain_id,
            bytes.fromhex(self.contract[2:]),
            bytes.fromhex(self.log_address[2:]),
            self.log,
        )


@dataclass(frozen=True)
class Home:
    """The folder of one service. The key folder may lie elsewhere: it should, on another volume."""

    folder: Path
    config: Config

    @property
    def data(self) -> Path:
        """Database and objects: everything encrypted that is needed besides the keys."""
        return self.folder / "data"

    @property
    def database(self) -> Path | str:
        """Where the store is: the URI of PostgreSQL that environment or settings name, else a file."""
        return os.environ.get(DATABASE_VARIABLE) or self.config.database or self.database_file

    @property
    def database_file(self) -> Path:
        """Where a store in SQLite is."""
        return self.data / "notary.db"

    @property
    def objects(self) -> Path:
        """The folder of encrypted attachments, unless the configuration names another place."""
        return self.data / "objects"

    @property
    def keys(self) -> Path:
        """The key folder, apart from the data."""
        return (self.folder / self.config.keys).resolve()


def home_folder(given: str | None) -> Path:
    """The folder that the caller named, else NOTARY_HOME, else `notary-home` here."""
    return Path(given or os.environ.get("NOTARY_HOME") or DEFAULT_HOME)


def load(folder: Path) -> Home:
    """Read the home's configuration.

    Raises CallerError HOME_MISSING, CONFIG_UNREADABLE or CONFIG_INVALID, naming file, member and remedy.
    """
    return Home(folder, read(folder / CONFIG_NAME))


def read(path: Path) -> Config:
    """Read a configuration file. Raises as `load`."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise CallerError(
            "HOME_MISSING",
            f"{path} is not there. Run `notary init` first, or name the folder by --home or NOTARY_HOME.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CallerError("CONFIG_UNREADABLE", f"{path} can't be read: {error}") from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CallerError("CONFIG_INVALID", f"{path} is not TOML: {error}") from error
    return _config(document, path)


def _config(document: dict[str, Any], path: Path) -> Config:
    found = document.pop("format", None)
    if found != FORMAT:
        raise CallerError("CONFIG_INVALID", f"{path}: format is {found!r}, want {FORMAT!r}")
    values: dict[str, Any] = {
        "webhook": _webhooks(document.pop("webhook", []), path),
        "timestamp": _authorities(document.pop("timestamp", []), path),
    }
    for member in fields(Config):
        if member.name not in document:
            continue
        value = document.pop(member.name)
        if member.name == "rpc" and isinstance(value, list):
            if not all(isinstance(one, str) for one in value):
                raise CallerError("CONFIG_INVALID", f"{path}: rpc must be addresses, as strings")
            values["rpc"] = tuple(value)
            continue
        wanted = int if member.type == "int" else str
        if type(value) is not wanted:
            raise CallerError(
                "CONFIG_INVALID", f"{path}: {member.name} is {value!r}, want {wanted.__name__}"
            )
        if isinstance(value, int) and value < 0:
            raise CallerError("CONFIG_INVALID", f"{path}: {member.name} is {value}, want 0 or more")
        values[member.name] = value
    if document:
        names = ", ".join(sorted(document))
        raise CallerError("CONFIG_INVALID", f"{path}: unknown member {names}. Remove or mend it.")
    try:
        config = Config(**values)
    except TypeError as error:
        raise CallerError("CONFIG_INVALID", f"{path}: a member is missing: {error}") from error
    try:
        config.spend_per_day_wei()
    except CallerError as error:
        raise CallerError("CONFIG_INVALID", f"{path}: max_spend_per_day: {error}") from error
    check_endpoints(config.endpoints, f"{path}: rpc")
    check_objects(
        config.objects, config.objects_endpoint, config.objects_region, f"{path}: objects"
    )
    return config


def check_objects(url: str, endpoint: str, region: str, what: str) -> None:
    """Raise CallerError CONFIG_INVALID unless originals can lie there; empty is the data folder."""
    parts = urlsplit(url)
    if parts.username or parts.query or parts.fragment:
        # It may be a secret, so it is not repeated.
        raise CallerError(
            "CONFIG_INVALID",
            f"{what} holds more than a place. Credentials go into the environment.",
        )
    if url and (parts.scheme not in OBJECT_SCHEMES or not parts.netloc):
        raise CallerError(
            "CONFIG_INVALID",
            f"{what} is {url!r}, want s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or "
            "az://ACCOUNT/CONTAINER/PREFIX; left out, originals lie in the home's data folder.",
        )
    if (endpoint or region) and parts.scheme != "s3":
        raise CallerError("CONFIG_INVALID", f"{what}: endpoint and region go with s3:// alone.")
    address = _address(endpoint) if endpoint else None
    if endpoint and (address is None or address.scheme not in ("http", "https")):
        raise CallerError(
            "CONFIG_INVALID",
            f"{what}: the endpoint must be an http or https address without user name.",
        )


def check_endpoints(urls: tuple[str, ...], what: str) -> None:
    """Raise CallerError CONFIG_INVALID unless they are http addresses of different hosts."""
    hosts: set[str] = set()
    for url in urls:
        host = _host_and_port(url)
        if host is None:
            # The address may hold a key, so it is not repeated.
            raise CallerError("CONFIG_INVALID", f"{what} must be an http or https address")
        if host in hosts:
            raise CallerError(
                "CONFIG_INVALID",
                f"{what} names {host} twice. A second endpoint is there to contradict the first: take "
                "another provider's.",
            )
        hosts.add(host)
    if not urls:
        raise CallerError("CONFIG_INVALID", f"{what} is empty, want at least one address")


def _tables(listed: Any, name: str, kind: type[Named], path: Path) -> list[Named]:
    """The tables `[[name]]`, each with the members of `kind`, no name twice.

    A member with a default may be left out and is true or false; any other is a text.
    """
    switches = {member.name for member in fields(kind) if member.default is not MISSING}
    texts = {member.name for member in fields(kind)} - switches
    found: list[Named] = []
    for table in listed if isinstance(listed, list) else [listed]:
        if not isinstance(table, dict) or set(table) - switches != texts:
            raise CallerError(
                "CONFIG_INVALID",
                f"{path}: a [[{name}]] has exactly {', '.join(sorted(texts))}"
                + "".join(f", and if you like {switch}" for switch in sorted(switches)),
            )
        for member, value in table.items():
            if member in switches and not isinstance(value, bool):
                raise CallerError(
                    "CONFIG_INVALID", f"{path}: {member} of a [[{name}]] is true or false"
                )
            if member in texts and not (isinstance(value, str) and value):
                raise CallerError("CONFIG_INVALID", f"{path}: {member} of a [[{name}]] is no text")
        one = kind(**table)
        if any(other.name == one.name for other in found):
            raise CallerError("CONFIG_INVALID", f"{path}: two [[{name}]] are named {one.name}")
        found.append(one)
    return found


def _host_and_port(url: str) -> str | None:
    """Whom an http or https address reaches; None for any other."""
    try:
        parts = urlsplit(url)
        usual = {"http": 80, "https": 443}.get(parts.scheme)
        port = parts.port or usual
    except ValueError:
        return None
    return f"{parts.hostname}:{port}" if parts.hostname and usual else None


def _webhooks(listed: Any, path: Path) -> tuple[Webhook, ...]:
    """The tables `[[webhook]]`. Raises CallerError CONFIG_INVALID."""
    found = _tables(listed, "webhook", Webhook, path)
    for hook in found:
        if not _may_be_sent_to(hook.url):
            raise CallerError(
                "CONFIG_INVALID",
                f"{path}: the url of webhook {hook.name} must be https, or http on this machine, "
                "without user name and fragment",
            )
    return tuple(found)


def _may_be_sent_to(url: str) -> bool:
    parts = _address(url)
    if parts is None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _address(url: str) -> SplitResult | None:
    """The parts of an address that names a host and nobody; None if it is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that is none
    except ValueError:
        return None
    plain = not (parts.username or parts.password or parts.fragment)
    return parts if parts.hostname and plain else None


def _authorities(listed: Any, path: Path) -> tuple[Authority, ...]:
    """The tables `[[timestamp]]`. Raises CallerError CONFIG_INVALID."""
    found = _tables(listed, "timestamp", Authority, path)
    for one in found:
        # Plain HTTP will do, and some public authorities offer nothing else: a token is signed.
        parts = _address(one.url)
        if parts is None or parts.scheme not in ("http", "https"):
            raise CallerError(
                "CONFIG_INVALID",
                f"{path}: the url of authority {one.name} must be http or https, without user name and "
                "fragment",
            )
    if len(found) > MAX_AUTHORITIES:
        raise CallerError(
            "CONFIG_INVALID", f"{path}: {len(found)} authorities, at most {MAX_AUTHORITIES}"
        )
    return tuple(found)


def with_database(text: str, uri: str) -> str:
    """A configuration's text that names another database, and is the same otherwise."""
    line = f"database = {_toml(uri)}"
    changed, count = re.subn(r"(?m)^database *=.*$", lambda _: line, text, count=1)
    return changed if count else re.sub(r"(?m)^(format *=.*)$", lambda m: f"{m[1]}\n{line}", text)


def save(folder: Path, config: Config) -> Path:
    """Write a new configuration, mode 0600; refuses to replace one that is there."""
    path = folder / CONFIG_NAME
    lines = [f"format = {_toml(FORMAT)}"]
    # Webhooks and authorities are tables, which come last; a new service has none.
    tables = ("webhook", "timestamp")
    plain = [member.name for member in fields(Config) if member.name not in tables]
    lines += [f"{name} = {_toml(getattr(config, name))}" for name in plain]
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CallerError(
            "HOME_EXISTS", f"{path} is there already. Nothing was changed; take another --home."
        ) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return path


def _toml(value: str | int | tuple[str, ...]) -> str:
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(one) for one in value)}]"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in escaped):
        raise CallerError("CONFIG_INVALID", f"{value!r} holds a control character")
    return f'"{escaped}"'
