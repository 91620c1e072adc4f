"""Scripted servers that judge access tokens as was seen: JSON instead of an error, hanging up, and worse."""

import base64
import re
from dataclasses import dataclass, field

from tests.servers.moody import ScriptedImap, ScriptedSmtp, Wire

__all__ = ["EXPLANATION", "TokenImap", "TokenSmtp"]

EXPLANATION = '{"status":"401","schemes":"bearer","scope":"mail"}'
_JSON = base64.b64encode(EXPLANATION.encode()).decode()
_BEARER = re.compile(r"auth=Bearer ([^\x01]*)\x01\x01$")


@dataclass
class _Judge:
    """What a server makes of each token; others are accepted.

    ``explain``: JSON, then the refusal. ``explain and hang up``: JSON, then the end of the connection.
    ``hang up``: the end at once. ``repeat``: a refusal that holds the token. ``defer``: not now. ``ask``: challenge
    after challenge, in plain text.
    """

    tokens: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)  # every SASL answer of a client, decoded
    partings: list[str] = field(default_factory=list)  # what it answered to an explanation, as it came

    def verdict(self, line: str) -> str:
        self.said.append(base64.b64decode(line).decode())
        found = _BEARER.search(self.said[-1])
        return self.tokens.get(found[1], "accept") if found else "defer"

    @property
    def shown(self) -> list[str]:
        """The tokens, in the order in which they came."""
        return [found[1] for text in self.said if (found := _BEARER.search(text))]


@dataclass
class TokenSmtp(ScriptedSmtp):
    """``takes_initial=False``: a first answer inside the command is a syntax error, as with one operator."""

    judge: _Judge = field(default_factory=_Judge)
    takes_initial: bool = True
    hangs_up_early: bool = False  # after AUTH, before it has the token
    extensions: tuple[str, ...] = ("SIZE 1000000", "8BITMIME", "AUTH XOAUTH2 OAUTHBEARER")

    def _answer(self, wire: Wire, verb: str) -> bool:
        if verb != "AUTH":
            return super()._answer(wire, verb)
        _, _, first = self.commands[-1].partition(" ")[2].partition(" ")
        if first and not self.takes_initial:
            wire.say("501 5.5.4 no initial response")
            return True
        if self.hangs_up_early:
            return False
        if not first:
            wire.say("334 ")
            first = wire.line()
        return self._judge(wire, self.judge.verdict(first))

    def _judge(self, wire: Wire, verdict: str) -> bool:
        while verdict == "ask":
            wire.say("334 what?")
            self.judge.partings.append(wire.line())
            if len(self.judge.partings) > 50:
                return False
        if verdict.startswith("explain"):
            wire.say(f"334 {_JSON}")
            if "hang up" in verdict:
                return False
            self.judge.partings.append(wire.line())
        answers = {
            "accept": "235 2.7.0 Accepted", "defer": "454 4.7.0 Temporary authentication failure",
            "explain": "535 5.7.8 Invalid", "repeat": f"535 5.7.8 {self.judge.said[-1]!r} is not valid",
        }  # fmt: skip
        if verdict in answers:
            wire.say(answers[verdict])
        return verdict in answers


@dataclass
class TokenImap(ScriptedImap):
    """The same for IMAP."""

    judge: _Judge = field(default_factory=_Judge)
    capabilities: str = "IDLE SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER"

    def _answer(self, wire: Wire, tag: str, command: str) -> bool:
        word, _, rest = command.partition(" ")
        if word.upper() != "AUTHENTICATE":
            return super()._answer(wire, tag, command)
        _, _, first = rest.partition(" ")
        if not first:
            wire.say("+ ")
            first = wire.line()
        return self._judge(wire, tag, self.judge.verdict(first))

    def _judge(self, wire: Wire, tag: str, verdict: str) -> bool:
        while verdict == "ask":
            wire.say("+ what?")
            self.judge.partings.append(wire.line())
            if len(self.judge.partings) > 50:
                return False
        if verdict.startswith("explain"):
            wire.say(f"+ {_JSON}")
            if "hang up" in verdict:
                return False
            self.judge.partings.append(wire.line())
        answers = {
            "accept": "OK done", "defer": "NO [UNAVAILABLE] Temporary authentication failure",
            "explain": "NO [AUTHENTICATIONFAILED] Invalid", "repeat": f"NO {self.judge.said[-1]!r} is not valid",
        }  # fmt: skip
        if verdict in answers:
            wire.say(f"{tag} {answers[verdict]}")
        return verdict in answers
