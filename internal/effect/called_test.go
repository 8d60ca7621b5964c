package effect_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
)

// DROP FUNCTION finds whatever calls the function, however it came to.
func TestDropCalled(t *testing.T) {
	t.Parallel()
	for name, setup := range map[string][]string{
		"default":            {"CREATE TABLE t (a int DEFAULT f())"},
		"default in a call":  {"CREATE TABLE t (a int DEFAULT abs(1 + app.f(2)))"},
		"default, set":       {"CREATE TABLE t (a int)", "ALTER TABLE t ALTER a SET DEFAULT f()"},
		"default, added":     {"CREATE TABLE t (a int)", "ALTER TABLE t ADD b int DEFAULT f()"},
		"default, like":      {"CREATE TABLE s (a int DEFAULT f())", "CREATE TABLE t (LIKE s INCLUDING ALL)", "DROP TABLE s"},
		"default, inherited": {"CREATE TABLE s (a int DEFAULT f())", "CREATE TABLE t () INHERITS (s)"},
		"generated":          {"CREATE TABLE t (a int, b int GENERATED ALWAYS AS (f(a)) STORED)"},
		"expression, set":    {"CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)", "ALTER TABLE t ALTER b SET EXPRESSION AS (f(a))"},
		"check":              {"CREATE TABLE t (a int CHECK (f(a) > 0))"},
		"check, added":       {"CREATE TABLE t (a int)", "ALTER TABLE t ADD CONSTRAINT c CHECK (f(a) > 0) NOT VALID"},
		"trigger":            {"CREATE TABLE t (a int)", "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"},
		"trigger, renamed": {
			"CREATE TABLE t (a int)", "CREATE FUNCTION e() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
			"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION e()", "ALTER FUNCTION e() RENAME TO f",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := catalog.New()
			for _, sql := range setup {
				c, _ = c.Apply(one(t, sql), sql)
			}
			for sql, want := range map[string]bool{"DROP FUNCTION f CASCADE": true, "DROP FUNCTION other CASCADE": false} {
				found := false
				r := effect.EffectOf(one(t, sql), c, effect.NewVersion(18), effect.Inputs{})
				for i := range r.Effects {
					found = found || r.Effects[i].Name.Name == "t"
				}
				if found != want {
					t.Errorf("%s locks t: %v, want %v", sql, found, want)
				}
			}
		})
	}
}

// DROP EXTENSION … CASCADE of an extension with operators finds the indexes that name its operator classes, and says that more may go.
func TestDropOperatorClasses(t *testing.T) {
	t.Parallel()
	c := catalog.New()
	for _, sql := range []string{
		"CREATE EXTENSION pg_trgm", "CREATE TABLE t (name text)", "CREATE INDEX t_name ON t USING gin (name gin_trgm_ops)", "CREATE INDEX t_other ON t (name)",
	} {
		c, _ = c.Apply(one(t, sql), sql)
	}
	r := effect.EffectOf(one(t, "DROP EXTENSION pg_trgm CASCADE"), c, effect.NewVersion(18), effect.Inputs{})
	want := []string{
		"public.t AccessExclusiveLock none because: its index t_name is dropped",
		"public.t_name AccessExclusiveLock none dropped because: has an operator class of the extension pg_trgm",
	}
	if diff := cmp.Diff(want, describe(r)); diff != "" || r.Unmodelled == "" {
		t.Errorf("not modelled: %q; the effects differ:\n%s", r.Unmodelled, diff)
	}
}
