"""Numbers for whoever watches many machines, in the text format of Prometheus.

Everything is read at the moment of the question: nothing is counted twice, and a restart loses nothing that the
journal knows. No label names a person, a patient or a document; mailboxes are named by their folder.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from connector import __version__
from connector.identities.card.status import CardStatus, Presence
from connector.support.health import Component, Condition

__all__ = ["METRICS_MEDIA_TYPE", "MetricSources", "metrics_text"]

METRICS_MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_OUTGOING, _INCOMING = "out:", "in:"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSources:
    """What the numbers are read from."""

    report: Callable[[], Component]  # the health tree
    counts: Callable[[], Mapping[str, Mapping[str, int]]]  # mailbox to ``out:sent`` … to number
    refused: Callable[[], Mapping[str, Mapping[str, int]]]  # mailbox to ``unseen`` and ``seen`` to number
    folders: Mapping[str, str]  # address of a mailbox to the name of its folder
    card: Callable[[], CardStatus] | None = None  # None: no mailbox uses a card


def metrics_text(sources: MetricSources) -> bytes:
    """All numbers now.

    Args:
        sources: the journal may block for milliseconds.

    Returns:
        The exposition, UTF-8, of :data:`METRICS_MEDIA_TYPE`.
    """
    registry = CollectorRegistry()
    registry.register(_Numbers(sources))
    return generate_latest(registry)


@dataclass(frozen=True, eq=False)  # the registry keeps collectors in a dictionary
class _Numbers(Collector):
    sources: MetricSources

    def collect(self) -> Iterator[Metric]:
        version = GaugeMetricFamily("mss_connector_info", "The running version.", labels=["version"])
        version.add_metric([__version__], 1)
        yield version
        yield from self._messages()
        yield self._refused()
        yield from self._health()
        if self.sources.card is not None:
            yield from _card(self.sources.card())

    def _messages(self) -> Iterator[Metric]:
        labels = ["box", "state"]
        outgoing = GaugeMetricFamily("mss_outgoing_messages", "Messages to send, by state.", labels=labels)
        incoming = GaugeMetricFamily("mss_incoming_messages", "Messages that came, by state.", labels=labels)
        for address, states in sorted(self.sources.counts().items()):
            box = self.sources.folders.get(address, "other")  # of a mailbox that is no longer in the settings
            for state, number in sorted(states.items()):
                family = outgoing if state.startswith(_OUTGOING) else incoming
                family.add_metric([box, state.removeprefix(_OUTGOING).removeprefix(_INCOMING)], number)
        yield outgoing
        yield incoming

    def _refused(self) -> Metric:
        family = GaugeMetricFamily(
            "mss_refused_drops", "Drops that never became a message, by whether a person has seen them.",
            labels=["box", "state"],
        )  # fmt: skip
        for address, states in sorted(self.sources.refused().items()):
            for state, number in sorted(states.items()):
                family.add_metric([self.sources.folders.get(address, "other"), state], number)
        return family

    def _health(self) -> Iterator[Metric]:
        works = GaugeMetricFamily("mss_component_works", "1 = works, 0 = waits or fails.", labels=["name"])
        for part in self.sources.report().parts:
            works.add_metric([part.name], part.overall is Condition.OK)
        yield works


def _card(status: CardStatus) -> Iterator[Metric]:
    signatures = CounterMetricFamily("mss_card_signatures", "Signatures that cards made since the start.")
    signatures.add_metric([], status.signatures)
    yield signatures
    presence = GaugeMetricFamily("mss_card_presence", "1 for the state of the most useful card.", labels=["state"])
    for state in Presence:
        presence.add_metric([state.value], state is status.presence)
    yield presence
