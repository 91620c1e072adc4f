"""A private key that only signs – on a card, in a key store – under ordinary ``ssl.SSLContext`` objects.

imapclient, aiosmtplib and httpx use such a context unchanged; OpenSSL speaks TLS and asks the signer once per full
handshake. It is carried by a small OpenSSL provider of our own (:mod:`.provider`). The package ``sslcontext`` was
tried first against the same contract suite (2.1.1, Python 3.11.7, OpenSSL 3.0.19). It passes, but:

* its provider sits in the default library context, so its Python code runs dozens of times in every handshake of the
  process, also where no key is used and a server is merely verified;
* Ctrl-C that arrives in that code is swallowed: 937 of 1913 times in handshakes without a key;
* Ctrl-C at the entry of a callback makes OpenSSL crash (ours did too, see :mod:`.interrupt`; now 0 of 6000 are lost).

What is used of it: loading PEM keys from memory, and its backends for the key stores of Windows and macOS.
"""

from connector.identities.tls_key.attach import attach
from connector.identities.tls_key.encoding import digest_info, ecdsa_der, emsa_pss
from connector.identities.tls_key.port import Padding, Signer, TlsKey
from connector.identities.tls_key.self_check import self_test

__all__ = ["Padding", "Signer", "TlsKey", "attach", "digest_info", "ecdsa_der", "emsa_pss", "self_test"]
