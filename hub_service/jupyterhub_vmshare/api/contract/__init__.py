"""The wire: every request and answer of the HTTP API, as pydantic models.

Imported by the service, the Python client and the OpenAPI generator alike, so it imports
nothing but pydantic and the words.
"""
