"""The one page that people look at: server-rendered, French first, without anything from elsewhere.

It works without JavaScript; with it, it is live. Who may see it is decided by :mod:`sessions
<connector.api.page.sessions>`; what it asks of the person, by :mod:`need <connector.api.page.need>`.
"""

from connector.api.page.desk import Desk, PageOptions
from connector.api.page.mount import page_routes

__all__ = ["Desk", "PageOptions", "page_routes"]
