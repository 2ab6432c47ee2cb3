"""The same moment on a terminal and as plain lines."""

import io

from rich.console import Console

from demo.show import Frame, Lines, Screen, line, panel
from lab.models import Event

STATUS = {
    "stable": {"tag": "v1-a"},
    "candidate": {
        "tag": "v2-b",
        "stage": "Canary",
        "step": 1,
        "steps": 2,
        "actualWeight": 20,
        "waitingFor": "Holding",
        "gates": [
            {
                "name": "errors",
                "verdict": "Undecided",
                "reason": "GatheringEvidence",
                "log10E": "1.25",
                "message": "canary 3 errors of 90 requests",
            }
        ],
    },
    "conditions": [
        {"type": "Ready", "status": "False", "reason": "Canary", "message": "v2-b at step 1 of 2"}
    ],
}
EVENTS = (Event(1.0, "CanaryStarted", "v2-b at step 1", "Normal"),)
FRAME = Frame(3.2, STATUS, {("v1-a", 200): 64.0, ("v2-b", 500): 3.2}, EVENTS)
AFTER = Frame(9.0, {"stable": {"tag": "v1-a"}}, {("v1-a", 200): 80.0}, EVENTS)


def console(**options):
    return Console(file=io.StringIO(), width=120, **options)


def test_a_line_says_where_the_candidate_is_and_what_the_gate_sees():
    told = line(FRAME)
    assert "v2-b Canary step 1/2 20 % Holding" in told
    assert "v1-a 200: 64.0/s, v2-b 500: 3.2/s" in told
    assert "errors: Undecided (log10 e 1.25, canary 3 errors of 90 requests)" in told


def test_a_line_without_a_candidate_says_who_serves():
    assert line(AFTER).strip() == "9.0s | stable v1-a | v1-a 200: 80.0/s"


def test_lines_tell_each_event_once_and_the_state_every_two_seconds():
    screen = console()
    lines = Lines(screen)
    with lines.following("v2"):
        for elapsed in (0.0, 0.5, 1.0, 2.5):
            lines.frame(Frame(elapsed, STATUS, {}, EVENTS))
    told = screen.file.getvalue()
    assert told.count("CanaryStarted") == 1
    assert told.count("v2-b Canary") == 2


def test_the_panel_shows_progress_requests_evidence_and_events():
    screen = console()
    screen.print(panel("v2", FRAME))
    told = screen.file.getvalue()
    for part in ("● ○", "20 % canary, 80 % v1-a", "64.0", "GatheringEvidence", "CanaryStarted"):
        assert part in told
    assert "v2-b at step 1 of 2" in told


def test_the_screen_draws_only_while_something_is_followed():
    terminal = console(force_terminal=True)
    screen = Screen(terminal)
    screen.frame(FRAME)
    assert terminal.file.getvalue() == ""
    with screen.following("v2"):
        screen.frame(AFTER)
    assert "all traffic: " in terminal.file.getvalue()
