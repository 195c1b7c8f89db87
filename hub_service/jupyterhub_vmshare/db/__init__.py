"""The database: engine, tables, migrations. SQLite embedded, PostgreSQL for several replicas."""
