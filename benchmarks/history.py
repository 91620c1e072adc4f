"""A journal with a past: the rows of one finished submission, copied within the database as often as wanted.

Payloads are not copied, as after their retention. The copies are older than the original; their sealed words do not
decrypt and their trace is not chained, which nothing reads while working.
"""

from sqlalchemy import Column, Table, create_engine, text

from connector.journal import schema

__all__ = ["grow"]

_NUMBERED = "'00' || printf('%024d', numbers.n)"  # a ULID of 1970
_TABLES = (
    (schema.submissions, {"id": _NUMBERED, "fingerprint": "printf('%064d', numbers.n)"}),
    (schema.submission_files, {"submission_id": _NUMBERED, "payload_id": _NUMBERED}),
    (
        schema.messages,
        {
            "id": _NUMBERED,
            "submission_id": _NUMBERED,
            "payload_id": _NUMBERED,
            "header_message_id": "'<' || numbers.n || '@history>'",
        },
    ),
    (schema.message_recipients, {"message_id": _NUMBERED}),
    (schema.message_documents, {"message_id": _NUMBERED, "document_id": "document_id || '.' || numbers.n"}),
    (schema.trace, {"seq": "seq - numbers.n * 1000", "subject_id": _NUMBERED}),
)


def grow(url: str, count: int) -> None:
    """Copy the only submission of a journal ``count`` times, with everything that belongs to it.

    Args:
        url: of a SQLite journal that nobody uses now.
        count: how many messages of history.
    """
    engine = create_engine(url)
    with engine.begin() as connection:
        for table, changed in _TABLES:
            connection.execute(text(_copying(table, changed)), {"count": count})
    with engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    engine.dispose()


def _copying(table: Table, changed: dict[str, str]) -> str:
    def value(column: Column[object]) -> str:
        return changed.get(column.name, f'"{column.name}"')

    names = ", ".join(f'"{column.name}"' for column in table.columns)
    values = ", ".join(map(value, table.columns))
    return f"""
        INSERT INTO {table.name} ({names})
        WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
        SELECT {values} FROM numbers CROSS JOIN {table.name}
    """
