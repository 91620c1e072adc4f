"""What an LPS does with the connector.

MSS_TOKEN=… python lps.py cr.xml correspondant@autre.mssante.fr

The token comes from "mss-connector client add"; MSS_PORT only when the port is another one.
"""

import os
import sys
from pathlib import Path

from connector.client import Connection

document, recipient = Path(sys.argv[1]), sys.argv[2]
token, port = os.environ["MSS_TOKEN"], int(os.environ.get("MSS_PORT", "8723"))

with Connection.for_application(token, port=port) as connector:
    # 1. Send. When this returns, the document is kept and survives power loss.
    documents, key = {document.name: document.read_bytes()}, "CR-2026-0417"
    sent = connector.submit("dr-modele", documents, recipients=[recipient], key=key)
    print("sent", sent.id)

    # 2. The same again, as after a break: the same key gives the same message, and nothing is sent twice.
    again = connector.submit("dr-modele", documents, recipients=[recipient], key=key)
    if again.id != sent.id:
        sys.exit("sent twice")

    # 3. What became of it?
    print("state", connector.message(sent.id).state)

    # 4. What arrived and was not taken yet: save its documents, then say that you have it.
    for item in connector.inbox(taken=False).items:
        for one in connector.inbox_message(item.id).documents:
            Path(f"{item.id}-{one.number}").write_bytes(connector.inbox_document(item.id, one.number))
        connector.take(item.id)
        print("received", item.id)

    # 5. Follow what happens, from the last number that you know (0: all that is kept). Never stop; here we do.
    for news in connector.events(after=0):
        if news.event is not None and news.event.subject_id == sent.id:
            print("event", news.number, news.event.action)
            break
