"""The smart card: reader, presence, PIN custody, and the key that signs TLS handshakes without leaving the card."""
