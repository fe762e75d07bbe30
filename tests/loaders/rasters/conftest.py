import psycopg
import pytest


@pytest.fixture
def conn(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute("SELECT 1")  # so that the loader's transactions nest in the test's
    return conn
