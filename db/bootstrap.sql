-- What a database needs before the first migration: the two extensions, and our
-- schema, in which Alembic keeps its version. Harmless to run again.
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA IF NOT EXISTS skyscript;
