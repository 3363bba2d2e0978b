"""Owns under which heading `notary --help` lists each command, in the order in which they are met.

Test: tests/unit/service/test_cli.py.
"""

import typer

PANELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("To begin", ("init", "demo", "case", "contract")),
    (
        "What comes in",
        ("ingest", "watch", "serve", "findings", "matter", "record", "source", "event"),
    ),
    ("Seal and anchor", ("work", "status", "anchor-now")),
    ("Evidence", ("export", "custody", "handed-in", "publish", "replay")),
    ("Privacy", ("erase", "lint-public", "hold", "retention")),
    ("Who may do what", ("agency", "user", "apikey")),
    ("Keep it running", ("backup", "restore", "audit", "retire", "keys", "objects", "webhook")),
)


def arrange(app: typer.Typer) -> None:
    """Put the commands that are registered under their headings. Raises ValueError for one that has none."""
    places = {
        name: (panel, at)
        for panel, (_, names) in enumerate(PANELS)
        for at, name in enumerate(names)
    }

    def place(name: str | None) -> tuple[int, int]:
        if name not in places:
            raise ValueError(f"no heading for the command {name}: notary/cli/panels.py")
        return places[name]

    for command in app.registered_commands:
        if command.name is None and command.callback is not None:
            command.name = command.callback.__name__
        command.rich_help_panel = PANELS[place(command.name)[0]][0]
    for group in app.registered_groups:
        group.rich_help_panel = PANELS[place(group.name)[0]][0]
    app.registered_commands.sort(key=lambda one: place(one.name))
    app.registered_groups.sort(key=lambda one: place(one.name))
