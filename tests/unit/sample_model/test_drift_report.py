import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from diabetes_model.drift import plots, publish, report, verdict
from diabetes_model.drift.publish import PublishError
from diabetes_model.drift.report import Context
from diabetes_model.drift.result import MOST_BYTES, Result
from diabetes_model.drift.verdict import Explained

NAMES = ("age", "bmi", "s5")
BASELINE = np.array([0.5, 0.3, 0.2])
FILES = {"report.json": b"{}", "metrics.prom": b"# EOF\n", "report.html": b"<p>"}
SUMMARY = (
    *("format", "verdict", "distance", "limit", "logE", "rows", "rankCorrelation", "psi"),
    *("largest", "baselineReproduced", "message"),
)


@pytest.fixture(scope="module")
def context():
    scores = np.random.default_rng(1).normal(150, 40, 300)
    return Context(
        identity={"model": "diabetes-risk", "revision": "0123456789", "tag": "v1-<3f2c1ab>"},
        origin={"recent traffic": "https://store/recent?<now>&x=1"},
        trained=scores,
        recent=scores[:200] + 30,
    )


@pytest.fixture(scope="module")
def found(context):
    contributions = np.random.default_rng(2).dirichlet([4, 3, 9], size=200)
    recent = Explained(contributions, context.recent)
    return verdict.compare(NAMES, BASELINE, trained=context.trained, recent=recent, limit=0.1)


@pytest.fixture(scope="module")
def result(found):
    return Result(0.1, found, 1e-12)


@pytest.fixture(scope="module")
def files(result, found, context):
    return report.files(result, found, context)


class Page(HTMLParser):
    """What a page refers to, and the text that people read."""

    def __init__(self, page):
        super().__init__()
        self.references, self.text, self.tags = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.references += [
            value
            for name, value in attributes
            if name in {"src", "href", "xlink:href"} and not value.startswith("#")
        ]

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_needs_no_other_file_and_shows_three_plots(files):
    page = Page(files["report.html"].decode())
    assert page.references == []
    assert page.tags.count("svg") == 3
    assert not re.search(r"@import|url\((?!#)", files["report.html"].decode())


def test_the_page_says_verdict_numbers_and_origin_and_escapes_them(files):
    page = files["report.html"].decode()
    text = " ".join(Page(page).text)
    assert "diabetes-risk v1-<3f2c1ab>: Drifted" in text
    assert "https://store/recent?<now>&x=1" in text
    assert "<now>" not in page
    assert re.search(r"s5\s+20\.00 %\s+5\d\.\d\d %\s+\+3\d\.\d\d", text)


def test_plots_take_the_colour_of_the_page_and_are_the_same_each_time(found, context):
    drawing = plots.shares(found)
    assert plots.PAGE not in drawing
    assert "currentColor" in drawing
    assert drawing == plots.shares(found)
    identifiers = [
        set(re.findall(r'<clipPath id="(\w+)"', drawn))
        for drawn in (drawing, plots.scores(context.trained, context.recent), plots.weighing(found))
    ]
    assert not set.intersection(*identifiers)


def test_the_json_says_everything_that_the_page_shows(files, found):
    document = json.loads(files["report.json"])
    assert document["tag"] == "v1-<3f2c1ab>"
    assert document["verdict"] == "Drifted"
    assert [share["feature"] for share in document["features"]] == list(NAMES)
    assert document["evidence"][-1] == found.evidence.log_e
    assert set(SUMMARY) <= set(document)


def test_the_metrics_are_openmetrics_with_the_identity_on_each(files):
    lines = files["metrics.prom"].decode().splitlines()
    series = [line for line in lines if not line.startswith("#")]
    assert lines[-1] == "# EOF"
    assert all('revision="0123456789",tag="v1-<3f2c1ab>"' in line for line in series)
    assert any(
        line.startswith("model_explanation_drifted{") and line.endswith(" 1.0") for line in series
    )
    assert sum(line.startswith("model_explanation_share{") for line in series) == 6


def test_the_summary_has_all_keys_whatever_happened(result):
    for each in (result, Result(), Result(0.1, note="nothing"), Result(note="x", failed=True)):
        assert tuple(json.loads(each.line())) == SUMMARY


def test_exit_codes_tell_drift_from_failure(result):
    assert result.exit_code == 3
    assert Result(0.1, note="nothing to compare").exit_code == 0
    assert Result(note="broken", failed=True).exit_code == 1


def test_the_summary_fits_a_termination_message_whatever_the_message_says():
    for note in ("x" * 100_000, "\N{SNOWMAN}" * 9_000, '"' * 5_000):
        line = Result(note=note, failed=True).line()
        assert len(line.encode()) <= MOST_BYTES
        assert json.loads(line)["message"].startswith(note[:100])


def test_a_local_report_appears_whole(tmp_path):
    place = publish.publish(f"file://{tmp_path}", "model/tag/now", FILES)
    directory = tmp_path / "model/tag/now"
    assert place == f"file://{directory}"
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == FILES
    assert [path.name for path in directory.parent.iterdir()] == ["now"]


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path):
    publish.publish(str(tmp_path), "now", FILES)
    with pytest.raises(PublishError, match=r"no report in .*now: OSError"):
        publish.publish(str(tmp_path), "now", FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["now"]


def test_a_report_goes_to_known_places_only():
    with pytest.raises(PublishError, match="ftp://store: a report goes to file, s3, gs only"):
        publish.publish("ftp://store", "now", FILES)
