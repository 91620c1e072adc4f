"""What goes over the wire of the local API, one file per resource: used by the server and by the client."""
