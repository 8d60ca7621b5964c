package pgparse_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Commands that change what a file runs, or may, are not passed over.
func TestIdle(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]bool{
		`\set ON_ERROR_STOP on`: true, `\set`: true, `\set owner 'app'`: true, `\unset owner`: true, `\timing`: true, `\echo done`: true,
		`\pset pager off`: true, `\x`: true, `\encoding UTF8`: true, `\dt+ public.*`: true, `\restrict aBc`: true,
		`\set AUTOCOMMIT off`: false, `\set ON_ERROR_ROLLBACK on`: false, "\\set rev `git describe`": false, `\echo a \i b.sql`: false,
		`\i b.sql`: false, `\ir b.sql`: false, `\connect other`: false, `\c other`: false, `\if :x`: false, `\endif`: false, `\q`: false,
		`\! rm x`: false, `\copy t from x`: false, `\gexec`: false, `\o |less`: false, `SELECT 1`: false,
	} {
		if got := pgparse.IsIdleCommand(command); got != want {
			t.Errorf("IsIdleCommand(%q) = %t, want %t", command, got, want)
		}
	}
}
