"""How the demo looks: a live screen on a terminal, plain lines elsewhere."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from lab.models import Event, condition

LINE_EVERY: Final = 2.0
BAR: Final = 40


@dataclass(frozen=True)
class Frame:
    """One moment: seconds since the apply, the status, requests per second by (tag, code)."""

    elapsed: float
    status: Mapping[str, Any]
    rates: Mapping[tuple[str, int], float]
    events: tuple[Event, ...]


class Show(Protocol):
    """What the play needs of a screen."""

    def say(self, text: str) -> None:
        """One line that stays."""

    def following(self, title: str) -> contextlib.AbstractContextManager[None]:
        """Around the frames of one rollout."""

    def frame(self, frame: Frame) -> None:
        """Show one moment."""


def show_for(console: Console) -> Show:
    """The screen that fits where the output goes."""
    return Screen(console) if console.is_terminal else Lines(console)


class Lines:
    """Plain lines: events as they come, the state every two seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: set[Event] = set()
        self._next = 0.0

    def say(self, text: str) -> None:
        """One line that stays."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def following(self, title: str) -> Iterator[None]:
        """Around the frames of one rollout."""
        self.say(f"\nkubectl apply: {title}")
        self._next = 0.0
        yield

    def frame(self, frame: Frame) -> None:
        """Print what is new."""
        for event in frame.events:
            if event not in self._shown:
                self._shown.add(event)
                self.say(f"        {event.reason}: {event.message}")
        if frame.elapsed >= self._next:
            self._next = frame.elapsed + LINE_EVERY
            self.say(line(frame))


class Screen:
    """A live panel on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._title = ""

    def say(self, text: str) -> None:
        """One line that stays."""
        self._console.print(text, highlight=False, markup=False)

    @contextlib.contextmanager
    def following(self, title: str) -> Iterator[None]:
        """Around the frames of one rollout; the last one stays on the screen."""
        self._title = title
        with Live(console=self._console, refresh_per_second=4) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def frame(self, frame: Frame) -> None:
        """Draw it."""
        if self._live is not None:
            self._live.update(panel(self._title, frame))


def line(frame: Frame) -> str:
    """A moment as one plain line."""
    flow = ", ".join(f"{tag or '-'} {code}: {rate:.1f}/s" for (tag, code), rate in _flow(frame))
    parts = [f"{frame.elapsed:6.1f}s", _state_of(frame.status), flow]
    parts += [f"{g['name']}: {g['verdict']} ({_evidence(g)})" for g in gates(frame.status)]
    return " | ".join(part for part in parts if part)


def panel(title: str, frame: Frame) -> Panel:
    """A moment as a drawing."""
    rows: list[RenderableType] = [
        _progress(frame.status),
        Text(),
        _requests(frame),
        Text(),
        _gates(frame.status),
    ]
    state = condition({"status": dict(frame.status)}, "Ready") or {}
    events = [
        Text.assemble((f"{e.reason:18}", "bold " + _colour(e.severity)), e.message)
        for e in frame.events[-6:]
    ]
    return Panel(
        Group(*rows, Text(), *events, Text(), Text(str(state.get("message", "")), style="italic")),
        title=title,
        subtitle=f"{frame.elapsed:.0f} s",
    )


def gates(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The gates of the candidate, else of the probation."""
    entries = (status.get("candidate") or {}).get("gates") or status.get("probationGates") or []
    return [dict(gate) for gate in entries]


def _state_of(status: Mapping[str, Any]) -> str:
    candidate = status.get("candidate")
    if not candidate:
        return f"stable {(status.get('stable') or {}).get('tag', '-')}"
    where = f"step {candidate.get('step', 0)}/{candidate.get('steps', 0)}"
    waiting = candidate.get("waitingFor", "")
    weight = candidate.get("actualWeight", 0)
    return f"{candidate['tag']} {candidate['stage']} {where} {weight} % {waiting}".rstrip()


def _evidence(gate: Mapping[str, Any]) -> str:
    return f"log10 e {gate.get('log10E', '0')}, {gate.get('message', '')}"


def _flow(frame: Frame) -> list[tuple[tuple[str, int], float]]:
    return sorted(frame.rates.items())


def _progress(status: Mapping[str, Any]) -> Text:
    candidate = status.get("candidate")
    serving = (status.get("stable") or {}).get("tag", "-")
    if not candidate:
        return Text.assemble(("all traffic: ", "dim"), (serving, "bold green"))
    text = Text.assemble((f"{candidate['tag']} {candidate['stage']}  ", "bold cyan"))
    for number in range(1, int(candidate.get("steps", 0)) + 1):
        text.append("● " if number <= candidate.get("step", 0) else "○ ", style="cyan")
    share = int(candidate.get("actualWeight", 0))
    filled = round(BAR * share / 100)
    text.append("  ")
    text.append("█" * filled, style="cyan")
    text.append("█" * (BAR - filled), style="green")
    text.append(f"  {share} % canary, {100 - share} % {serving}")
    if candidate.get("waitingFor"):
        text.append(f"  ({candidate['waitingFor']})", style="dim")
    return text


def _requests(frame: Frame) -> Table:
    table = Table(title="requests per second", title_justify="left", box=None, padding=(0, 2))
    for heading in ("tag", "code", "per second", ""):
        table.add_column(heading)
    for (tag, code), rate in _flow(frame):
        colour = "green" if code == 200 else "red"
        drawn = Text("▇" * max(1, round(rate / 2)), style=colour)
        table.add_row(tag or "no answer", str(code), f"{rate:.1f}", drawn)
    return table


def _gates(status: Mapping[str, Any]) -> Table:
    table = Table(title="evidence", title_justify="left", box=None, padding=(0, 2))
    for heading in ("gate", "verdict", "log10 e", "message"):
        table.add_column(heading)
    for gate in gates(status):
        verdict = f"{gate['verdict']} {gate['reason']}"
        table.add_row(gate["name"], verdict, str(gate.get("log10E", "")), gate["message"])
    return table


def _colour(severity: str) -> str:
    return "red" if severity == "Warning" else "cyan"
