"""The way of an account that is closed: told, answered, planned, signed, announced, archived, stopped, looked at. Pure.

Basis: rules.md §3.3 and §9 for the windows; the order is that of the notice before every measure, the public notice
before the stop, the archive before anything is switched off, and the look before anything is called closed.
"""

from services.decommission.routes.route import Route, Step

CLOSE = Route(
    name="close",
    version=1,
    kinds=("account", "app", "group"),
    steps=(
        Step(verb="notice", window="notice_retry_days"),
        Step(verb="answer", window="answer_days"),
        Step(verb="plan"),
        Step(verb="sign"),
        Step(verb="announce"),
        Step(verb="wait", window="announce_days", since="announced"),
        Step(verb="archive", attempts=3),
        Step(verb="reserve"),
        Step(verb="ask"),
        Step(verb="stop", attempts=3),
        Step(verb="verify", window="verify_days"),
        Step(verb="wait", window="restore_days", since="verified"),
        Step(verb="dispose"),
        Step(verb="close"),
    ),
)
