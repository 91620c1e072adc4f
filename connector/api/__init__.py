"""The local HTTP server: guard first, then one router per resource."""
