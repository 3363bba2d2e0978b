"""The commands for agencies, their users and the API keys of these.

Test: tests/scenarios/service/test_people.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from notary.cli import present
from notary.cli.options import HomeOption, JsonOption, opened
from notary.cli.output import answer, errors_said, say, say_json
from notary.core.roles import Role
from verifier.format import times

if TYPE_CHECKING:  # what these modules load would make every `--help` wait
    from notary.adapters.store.agencies import ApiKey, User

DEFAULT_DAYS = 365  # a key that nobody renews ends within a year of the day when it was forgotten
DEFAULT_OVERLAP_DAYS = 7  # time to bring the new key to every machine that had the old one

RolesOption = Annotated[
    list[Role], typer.Option("--role", help="What they may do; may be repeated.")
]
UserArgument = Annotated[str, typer.Argument(help="The user's id, or name.")]
KeyArgument = Annotated[
    int, typer.Argument(help="The key's number, as `notary apikey list` has it.")
]

agency_app = typer.Typer(help="The agencies that this service serves.", no_args_is_help=True)
user_app = typer.Typer(help="Who may use the HTTP interface of an agency.", no_args_is_help=True)
apikey_app = typer.Typer(help="The keys by which users open it.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the groups to the `notary` command line."""
    agency_app.command("new")(agency_new)
    agency_app.command("list")(agency_list)
    user_app.command("new")(user_new)
    user_app.command("list")(user_list)
    user_app.command("roles")(user_roles)
    user_app.command("disable")(user_disable)
    user_app.command("enable")(user_enable)
    user_app.command("log")(user_log)
    apikey_app.command("new")(apikey_new)
    apikey_app.command("list")(apikey_list)
    apikey_app.command("rotate")(apikey_rotate)
    apikey_app.command("revoke")(apikey_revoke)
    app.add_typer(agency_app, name="agency")
    app.add_typer(user_app, name="user")
    app.add_typer(apikey_app, name="apikey")


def agency_new(
    name: Annotated[str, typer.Argument(help="Its name; other commands take it by --agency.")],
    home: HomeOption = None,
) -> None:
    """Add an agency. From the second one on, commands want `notary --agency NAME …`."""
    with errors_said(), opened(home) as service:
        service.agencies.add(name)
        say(f"agency    {name}")
        say(f"Next: notary --agency {name!r} user new NAME --role ROLE")


def agency_list(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the agencies."""
    with errors_said(), opened(home) as service:
        shown = [
            {"name": one.name, "created_at": times.format_time(one.created_at)}
            for one in service.agencies.all()
        ]
        answer(
            as_json,
            shown,
            present.table(("agency", "since"), [tuple(one.values()) for one in shown]),
        )


def user_new(
    name: Annotated[str, typer.Argument(help="What people call them. Kept encrypted.")],
    role: RolesOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a user: a person, or a machine that hands records in."""
    with errors_said(), opened(home) as service:
        _say_users(
            [service.agencies.add_user(service.agency_id, name, role, service.giver)], as_json
        )


def user_list(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the agency's users."""
    with errors_said(), opened(home) as service:
        _say_users(service.agencies.users(service.agency_id), as_json)


def user_roles(
    user: UserArgument, role: RolesOption, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Give a user these roles in place of the old ones; keys lose what is not among them."""
    with errors_said(), opened(home) as service:
        found = service.agencies.user(service.agency_id, user)
        changed = service.agencies.set_roles(service.agency_id, found.user_id, role, service.giver)
        _say_users([changed], as_json)


def user_disable(user: UserArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Let no key of a user open anything, from the next request on."""
    with errors_said(), opened(home) as service:
        found = service.agencies.user(service.agency_id, user)
        changed = service.agencies.disable_user(service.agency_id, found.user_id, service.giver)
        _say_users([changed], as_json)


def user_enable(user: UserArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Let a user's keys open again what they opened."""
    with errors_said(), opened(home) as service:
        found = service.agencies.user(service.agency_id, user)
        changed = service.agencies.enable_user(service.agency_id, found.user_id, service.giver)
        _say_users([changed], as_json)


def user_log(
    last: Annotated[int, typer.Option(min=1, help="How many, from the newest back.")] = 50,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who made, changed or ended users and keys, newest first."""
    with errors_said(), opened(home) as service:
        acts = service.people_log.last(service.agency_id, last)
        if as_json:
            say_json(
                [
                    {
                        "at": times.format_time(one.at),
                        "actor": one.actor,
                        "act": one.act,
                        "user": one.user,
                        "key": one.key_id,
                        "roles": sorted(one.roles),
                    }
                    for one in acts
                ]
            )
            return
        say(
            present.table(
                ("at", "by", "did", "user", "key", "roles"),
                [
                    (
                        times.format_time(one.at),
                        one.actor,
                        one.act.value,
                        one.user,
                        "" if one.key_id is None else str(one.key_id),
                        " ".join(sorted(one.roles)),
                    )
                    for one in acts
                ],
            )
        )


def apikey_new(
    user: UserArgument,
    label: Annotated[str, typer.Option(help="What it is for, e.g. the machine.")] = "unnamed",
    role: Annotated[
        list[Role] | None,
        typer.Option("--role", help="These of the user's roles only; may be repeated."),
    ] = None,
    days: Annotated[
        int, typer.Option(min=0, help="It ends after so many days. 0: never.")
    ] = DEFAULT_DAYS,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it, this once."""
    with errors_said(), opened(home) as service:
        found = service.agencies.user(service.agency_id, user)
        key = service.agencies.issue_key(
            service.agency_id,
            found.user_id,
            label,
            roles=role or None,
            valid=timedelta(days=days) if days else None,
            by=service.giver,
        )
        _say_key(key, as_json)


def apikey_list(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the agency's keys by their first characters, with their ends and last days of use."""
    with errors_said(), opened(home) as service:
        keys = service.agencies.keys(service.agency_id)
        if as_json:
            say_json([_key_json(one) for one in keys])
            return
        say(
            present.table(
                ("key", "begins", "user", "label", "roles", "ends", "last used"),
                [
                    (
                        str(one.key_id),
                        one.prefix,
                        one.user,
                        one.label,
                        " ".join(sorted(one.roles)),
                        "revoked" if one.revoked_at else _day(one.expires_at),
                        _day(one.used_on),
                    )
                    for one in keys
                ],
            )
        )


def apikey_rotate(
    key: KeyArgument,
    overlap_days: Annotated[
        int, typer.Option(min=0, help="The old key still opens for so many days.")
    ] = DEFAULT_OVERLAP_DAYS,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key that takes another one's place, and print it, this once."""
    with errors_said(), opened(home) as service:
        new = service.agencies.rotate_key(
            service.agency_id, key, timedelta(days=overlap_days), service.giver
        )
        _say_key(new, as_json)


def apikey_revoke(key: KeyArgument, home: HomeOption = None) -> None:
    """Let a key open nothing, from the next request on, for ever."""
    with errors_said(), opened(home) as service:
        service.agencies.revoke_key(service.agency_id, key, service.giver)
        say(f"key {key} opens nothing any more")


def _say_key(key: str, as_json: bool) -> None:
    if as_json:
        say_json({"key": key})
        return
    say(f"key       {key}")
    say("          shown this once; it opens the HTTP interface (Authorization: Bearer …)")


def _say_users(users: list[User], as_json: bool) -> None:
    if as_json:
        say_json(
            [
                {
                    "user": one.handle,
                    "name": one.name,
                    "roles": sorted(one.roles),
                    "created_at": times.format_time(one.created_at),
                    "disabled_at": _time(one.disabled_at),
                }
                for one in users
            ]
        )
        return
    say(
        present.table(
            ("user", "name", "roles", "since", "state"),
            [
                (
                    one.handle,
                    one.name or "has none",
                    " ".join(sorted(one.roles)),
                    _day(one.created_at),
                    "disabled" if one.disabled_at else "enabled",
                )
                for one in users
            ],
        )
    )


def _key_json(one: ApiKey) -> dict[str, object]:
    return {
        "key": one.key_id,
        "begins": one.prefix,
        "user": one.user,
        "label": one.label,
        "roles": sorted(one.roles),
        "created_at": times.format_time(one.created_at),
        "expires_at": _time(one.expires_at),
        "revoked_at": _time(one.revoked_at),
        "last_used": None if one.used_on is None else _day(one.used_on),
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else times.format_time(at)


def _day(at: datetime | None) -> str:
    return "never" if at is None else times.format_time(at)[:10]
