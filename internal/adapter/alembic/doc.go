// Package alembic reads the migrations of Alembic as the SQL that the project's own command prints.
//
// The command is the user's: `render: alembic upgrade {from}:{to} --sql` in onward.yaml. It runs unchanged. A hook, which
// Python loads from PYTHONPATH, records each statement with its revision, its place and its transaction. Measured with
// Alembic 1.13 to 1.20 on servers (real_test.go repeats it):
//
//   - All pending revisions run in one transaction, unless env.py sets transaction_per_migration. An autocommit_block
//     commits what ran before it, and opens a transaction after it.
//   - A database records the last revisions, and not those before them. A new revision below a recorded one never runs.
//   - `upgrade head` refuses to run if there are several heads.
//   - Without a database, op.get_bind() returns a connection without results. The hook records what a revision
//     sends through it. A revision that reads a result is stopped there and reported.
package alembic
