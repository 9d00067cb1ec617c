"""Specifications by name: who brought each, one owner per name, nothing to change afterwards.

A name that two distributions bring belongs to neither: it is refused until the configuration says
`DISTRIBUTION:NAME`. So nothing depends on the order in which plugins were found.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

import attrs

from kungfu_core.errors import PluginError

Spec = TypeVar("Spec")


@attrs.frozen(order=True)
class Origin:
    """Which plugin of which installed distribution something comes from."""

    distribution: str
    version: str
    plugin: str

    def __str__(self) -> str:
        """Name the distribution with its version."""
        return f"{self.distribution} {self.version}".rstrip()


@attrs.frozen
class Registered(Generic[Spec]):
    """A name, where it comes from, and how to get at what it stands for."""

    name: str
    origin: Origin
    load: Callable[[], Spec]


class Registry(Generic[Spec]):
    """What the plugins bring of one kind; complete when made, and never changed.

    Args:
        kind: what the names stand for, as error messages call it, e.g. "risk check".
        entries: everything that was registered, in any order.
        absent: one sentence for each plugin that did not load, added where a name is not found.
    """

    def __init__(
        self, kind: str, entries: Iterable[Registered[Spec]], absent: Iterable[str] = ()
    ) -> None:
        self.kind = kind
        self._absent = tuple(absent)
        self._owners: dict[str, tuple[Registered[Spec], ...]] = {}
        for entry in sorted(entries, key=lambda entry: (entry.name, entry.origin)):
            self._owners[entry.name] = (*self._owners.get(entry.name, ()), entry)

    @property
    def entries(self) -> tuple[Registered[Spec], ...]:
        """Everything registered, clashes included, sorted by name and origin."""
        return tuple(entry for owners in self._owners.values() for entry in owners)

    @property
    def names(self) -> tuple[str, ...]:
        """What a configuration can say, sorted; names that clash carry their distribution."""
        return tuple(
            entry.name if len(owners) == 1 else f"{entry.origin.distribution}:{entry.name}"
            for owners in self._owners.values()
            for entry in owners
        )

    @property
    def clashes(self) -> tuple[str, ...]:
        """One sentence for each name that belongs to nobody because several brought it."""
        return tuple(self._clash(owners) for owners in self._owners.values() if len(owners) > 1)

    def __iter__(self) -> Iterator[Registered[Spec]]:
        """Go through what can be named without saying its distribution, sorted by name."""
        return iter(owners[0] for owners in self._owners.values() if len(owners) == 1)

    def find(self, name: str) -> Registered[Spec]:
        """Look up `NAME` or `DISTRIBUTION:NAME`.

        Raises:
            PluginError: nobody or more than one brought it; says what there is and what failed.
        """
        distribution, _, bare = name.rpartition(":")
        owners = self._owners.get(bare, ())
        if distribution:
            owners = tuple(o for o in owners if o.origin.distribution == distribution)
        if len(owners) == 1:
            return owners[0]
        raise PluginError(self._clash(owners) if owners else self._missing(name))

    def get(self, name: str) -> Spec:
        """Give the specification registered as `NAME` or `DISTRIBUTION:NAME`.

        Raises:
            PluginError: as `find`; or it is loaded only now, and that failed.
        """
        return self.find(name).load()

    def _clash(self, owners: tuple[Registered[Spec], ...]) -> str:
        name = owners[0].name
        brought = " and ".join(f"{o.origin} (plugin {o.origin.plugin!r})" for o in owners)
        distributions = list(dict.fromkeys(o.origin.distribution for o in owners))
        if len(distributions) < len(owners):
            way_out = "block one of the plugins with --no-plugin"
        else:
            way_out = "say " + " or ".join(repr(f"{d}:{name}") for d in distributions)
        return f"{self.kind} {name!r} is brought by {brought}: {way_out}"

    def _missing(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.names, n=1)
        parts = [f"there is no {self.kind} {name!r}"]
        if near:
            parts.append(f"did you mean {near[0]!r}?")
        elif self.names:
            parts.append(f"installed: {', '.join(self.names)}")
        else:
            parts.append("no installed plugin brings any")
        return "; ".join([*parts, *self._absent])
