"""Who may talk to the local server, and how: pure decisions, and the ASGI middlewares that carry them out.

In the order in which a request meets them: its head (size, framing, ``Host``, where it comes from, type and length of
its body), the preflight of a listed page, the token, how often, how fast and how much. The address that we listen on
comes before all that: the settings know loopback addresses only.

====================================  =============================================================================
attack                                what stops it
====================================  =============================================================================
a page rebinds its name to us         :mod:`host <connector.api.guard.host>`: only loopback names with our port
a page sends a form, fetches, embeds  :mod:`origin <connector.api.guard.origin>`, :mod:`content <.content>`, the token
another program of this machine       :mod:`tokens <connector.api.guard.tokens>`: 256 random bits, scopes, an end
too big, too many, too slow           :mod:`size <.size>`, :mod:`rate <.rate>`, :mod:`pace <.pace>`, the connection
====================================  =============================================================================
"""

from connector.api.guard.gate import Gate, GuardSettings
from connector.api.guard.host import is_loopback_host
from connector.api.guard.tokens import Caller, new_token, token_hash

__all__ = ["Caller", "Gate", "GuardSettings", "is_loopback_host", "new_token", "token_hash"]
