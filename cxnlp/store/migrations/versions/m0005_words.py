"""The words of what customers said, with a full-text index over them that triggers keep: FTS5 on SQLite, a tsvector on PostgreSQL."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MARKS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_TOKENIZER = ("ascii tokenchars '" + _MARKS.replace("'", "''") + "'").replace('"', '""')  # terms stand between blanks and are taken as they are
_REMOVE = "INSERT INTO fulltext (fulltext, rowid, terms) VALUES ('delete', old.seq, old.terms);"
_ADD = "INSERT INTO fulltext (rowid, terms) VALUES (new.seq, new.terms);"
_SQLITE = (
    f"CREATE VIRTUAL TABLE fulltext USING fts5(terms, content='words', content_rowid='seq', columnsize=0, tokenize=\"{_TOKENIZER}\")",
    f"CREATE TRIGGER words_added AFTER INSERT ON words BEGIN {_ADD} END",
    f"CREATE TRIGGER words_removed AFTER DELETE ON words BEGIN {_REMOVE} END",
    f"CREATE TRIGGER words_changed AFTER UPDATE ON words BEGIN {_REMOVE} {_ADD} END",
)
_POSTGRES = (
    "ALTER TABLE words ADD COLUMN vector tsvector",
    r"""
    CREATE FUNCTION words_to_vector() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.vector := (
            SELECT coalesce(string_agg('''' || replace(replace(term, '\', '\\'), '''', '''''') || ''':' || least(place, 16383), ' '), '')
            FROM unnest(string_to_array(NEW.terms, ' ')) WITH ORDINALITY AS each (term, place)
            WHERE term <> ''
        )::tsvector;
        RETURN NEW;
    END
    $$
    """,
    "CREATE TRIGGER words_changed BEFORE INSERT OR UPDATE ON words FOR EACH ROW EXECUTE FUNCTION words_to_vector()",
    "CREATE INDEX ix_words_vector ON words USING gin (vector)",
)


def upgrade() -> None:
    """Make the table and the index; a worker fills them for records that were analysed before."""
    op.create_table(
        "words",
        sa.Column("seq", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("copy_key", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["feedback.seq"], name=op.f("fk_words_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_words")),
    )
    connection = op.get_bind()
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRES:
        connection.exec_driver_sql(statement)
