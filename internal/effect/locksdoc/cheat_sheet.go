package main

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// sheetSchema is the schema on which the statements of cheatSheetRows run.
const sheetSchema = `CREATE TABLE users (id bigint PRIMARY KEY, email text, name varchar(50), age integer);
ALTER TABLE users ADD CONSTRAINT users_age CHECK (age > 0) NOT VALID;
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total integer);
CREATE UNIQUE INDEX users_email ON users (email);`

// cheatSheetRows has the statements that migrations have most, with what to write in the
// place of one that makes others wait. "" is for an instant one: a lock_timeout.
var cheatSheetRows = []struct{ sql, instead string }{
	{"ALTER TABLE users ADD COLUMN x text", ""},
	{"ALTER TABLE users ADD COLUMN x integer NOT NULL DEFAULT 0", ""},
	{"ALTER TABLE users ADD COLUMN x uuid DEFAULT gen_random_uuid()", "add it without a default, set the default, fill it in batches"},
	{"ALTER TABLE users DROP COLUMN age", "a release after the code"},
	{"ALTER TABLE users RENAME COLUMN name TO full_name", "add, keep in step, drop a release later"},
	{"ALTER TABLE users ALTER COLUMN email SET NOT NULL", "a CHECK NOT VALID, VALIDATE, then SET NOT NULL"},
	{"ALTER TABLE users ALTER COLUMN email SET DEFAULT ''", ""},
	{"ALTER TABLE users ALTER COLUMN name TYPE varchar(80)", ""},
	{"ALTER TABLE orders ALTER COLUMN total TYPE bigint", "a new column, filled in batches"},
	{"ALTER TABLE orders ADD CONSTRAINT total_positive CHECK (total > 0)", "NOT VALID, then VALIDATE"},
	{"ALTER TABLE orders ADD CONSTRAINT total_positive CHECK (total > 0) NOT VALID", ""},
	{"ALTER TABLE users VALIDATE CONSTRAINT users_age", ""},
	{"ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id)", "NOT VALID, then VALIDATE"},
	{"ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID", ""},
	{"ALTER TABLE users ADD CONSTRAINT one_name UNIQUE (name)", "a unique index CONCURRENTLY, then USING INDEX"},
	{"ALTER TABLE users ADD CONSTRAINT one_email UNIQUE USING INDEX users_email", ""},
	{"CREATE INDEX ON orders (user_id)", "CONCURRENTLY"},
	{"CREATE INDEX CONCURRENTLY ON orders (user_id)", ""},
	{"DROP INDEX users_email", "CONCURRENTLY"},
	{"DROP TABLE orders", "a release after the code"},
	{"TRUNCATE orders", "DELETE in batches"},
	{"UPDATE orders SET total = 0", "batches that commit"},
	{"VACUUM FULL orders", "REPACK (CONCURRENTLY) from 19 on, pg_repack, or VACUUM"},
}

// buildCheatSheet returns the Markdown table of these statements. It has only the locks that users of a table notice; the
// families of forms below it have the rest.
func buildCheatSheet() (string, error) {
	schema, err := applySQL(catalog.New(), sheetSchema)
	if err != nil {
		return "", err
	}
	schema.Complete = true
	var b strings.Builder
	b.WriteString("| statement | lock | work | blocks | better |\n| --- | --- | --- | --- | --- |\n")
	for _, row := range cheatSheetRows {
		f, err := pgparse.SplitText(row.sql)
		if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
			return "", fmt.Errorf("%s: is not one statement that parses", row.sql)
		}
		words := ""
		_, problems := schema.Judge(f.Stmts[0].Node, row.sql, false)
		for v := onward.OldestMajor; v <= onward.PreviewMajor; v++ {
			r := effect.EffectOf(f.Stmts[0].Node, schema, effect.NewVersion(v), effect.Inputs{TimeZone: "UTC", Problems: problems})
			if r.Refused != nil {
				return "", fmt.Errorf("%s: %s", row.sql, r.Refused.Message())
			}
			now := describeFirstEffect(&r)
			if words != "" && words != now {
				return "", fmt.Errorf("%s: differs on Postgres %d: it belongs below only", row.sql, v)
			}
			words = now
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", formatSQL(row.sql), words, row.instead)
	}
	return b.String(), nil
}

// describeFirstEffect returns the lock on the first table, the work there and whom it blocks.
func describeFirstEffect(r *effect.Result) string {
	for i := range r.Effects {
		e := &r.Effects[i]
		if !e.Kind.IsTable() || e.Created {
			continue
		}
		blocks := "nobody"
		switch {
		case e.Lock.BlocksReads():
			blocks = "**reads and writes**"
		case e.Lock.BlocksWrites():
			blocks = "**writes**"
		case e.RowLocks:
			blocks = "writers of the same rows"
		}
		work := strings.Join(describeWork(e), ", ")
		if work == "" {
			work = "none"
		}
		return e.Lock.Words() + " | " + work + " | " + blocks
	}
	return "none | none | nobody"
}
