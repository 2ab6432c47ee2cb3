"""From the snapshot in the feature store to all comparisons."""

import json
import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from packing.plan import Kind
from reproduce import checks, here, made, sabotage, served
from reproduce.engine import PORT, Container, created, serving
from reproduce.made import Made
from reproduce.results import Row, Section
from reproduce.served import Server
from reproduce.subject import Subject

Say = Callable[[str], None]

# What is published comes from this processor; others have other kernels, and another last digit.
PUBLISHED_FROM = ("x86_64", "AMD64")
STORE = ("feature-store", "--directory", "/snapshots", "--releases", "releases")
OWN_FOLDER = "--tmpfs=/snapshots:uid=65532,gid=65532,mode=0755"
# Everybody may write to this folder of the image, and a new volume takes over its rights.
VOLUME = "/var/tmp"


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what is reproduced, where the published record is, where files go, what is said."""

    subject: Subject
    published: Path
    folder: Path
    say: Say

    def sections(self) -> list[Section]:
        """All comparisons, in the order in which they are made.

        Raises:
            ReproduceError: a step did not work, so there is nothing to compare.
        """
        with ExitStack() as stack:
            self.say("starting a feature store")
            image = self.subject.image(Kind.TRAINING)
            store = stack.enter_context(serving(image, STORE, "/healthz", OWN_FOLDER))
            trained = [self._here(store), self._in_image(store)]
            self.say("serving")
            image = self.subject.image(Kind.SERVING)
            api = stack.enter_context(serving(image, (), "/readyz"))
            inside = api.copy_out("/app/model", self.folder / "inside")
            trained.append(made.from_folder("serving image", inside))
            return list(self._compared(trained, Server(api.address())))

    @property
    def snapshot(self) -> Path:
        """The file that was fetched."""
        return self.folder / f"{self.subject.claims.snapshot}.parquet"

    def _here(self, store: Container) -> Made:
        uri = f"{store.address()}/{self.snapshot.name}"
        self.say(f"fetching {uri}, training on this machine")
        digest = self.subject.claims.snapshot_sha256 or ""
        here.run(["snapshot", "fetch", uri, "--sha256", digest, "--out", str(self.snapshot)])
        out = self.folder / "here"
        here.run(self.subject.training(snapshot=str(self.snapshot), out=str(out)))
        return made.from_folder("this machine", out)

    def _in_image(self, store: Container) -> Made:
        self.say("training in the training image")
        uri = f"http://127.0.0.1:{PORT}/{self.snapshot.name}"
        arguments = self.subject.training(snapshot=uri, out=f"{VOLUME}/model")
        options = (f"--network=container:{store.id}", f"--volume={VOLUME}")
        image = self.subject.image(Kind.TRAINING)
        with created(image, arguments, *options) as container:
            container.run()
            out = container.copy_out(f"{VOLUME}/model", self.folder / "image")
        return made.from_folder("training image", out)

    def _compared(self, trained: list[Made], server: Server) -> Iterator[Section]:
        first = trained[0]
        if platform.machine() in PUBLISHED_FROM:
            trained.append(made.from_log("published", self.published / made.LOG_FILE))
        else:
            self.say(f"what is published is from {PUBLISHED_FROM[0]}, so it is left out")
        yield made.compared(trained)
        self.say("asking the server")
        manifest = server.get("/manifest")
        requests = [golden["request"] for golden in manifest["golden"]]
        answers = [server.predictions(request) for request in requests]
        yield served.predictions(first.golden(), answers)
        yield self._published_request(first, server)
        explained = [server.post("/explain", request) for request in requests]
        yield served.explanations(explained, answers)
        expected = checks.spec(self.subject.tag, self.subject.claims)
        yield checks.section(checks.ask(server, expected))
        self.say("changing one thing at a time: a bit, the seed, the tag")
        yield sabotage.tried(self.subject, self.snapshot, first, manifest)

    def _published_request(self, trained: Made, server: Server) -> Section:
        """The request of the README's one line is the first in the log."""
        path = self.published / "request.json"
        answer = server.predictions(json.loads(path.read_bytes()))
        logged = trained.golden()[0]
        cells = (path.name, ", ".join(logged), ", ".join(answer))
        return Section(
            ("/predict, published", "training log", "served"), (Row(cells, logged == answer),)
        )
