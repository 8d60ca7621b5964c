package catalog_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

// What a DO block executes may have changed what it names; what it says itself is
// read.
func TestUnseen(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		unseen, named bool
	}{
		"BEGIN CREATE TABLE a (id int); END":                                                      {},
		"BEGIN CREATE TRIGGER t BEFORE INSERT ON users EXECUTE FUNCTION f(); END":                 {},
		"BEGIN GRANT EXECUTE ON FUNCTION f() TO users; END":                                       {},
		"BEGIN EXECUTE 'ALTER TABLE public.Users DROP CONSTRAINT ' || c; END":                     {true, true},
		"BEGIN FOR r IN SELECT 1 LOOP EXECUTE format('DROP TABLE %I', r); END LOOP; END":          {true, false},
		"BEGIN SELECT concat('ALTER TABLE users DROP CONSTRAINT ', c) INTO s; EXECUTE s; END":     {true, true},
		"BEGIN SELECT concat('ALTER TABLE users_old DROP CONSTRAINT ', c) INTO s; EXECUTE s; END": {true, false},
		"BEGIN EXECUTE 'GRANT SELECT ON other TO ' || role; END":                                  {false, false},
		"BEGIN EXECUTE 'GRANT SELECT ON public.other TO ' || role; END":                           {false, false},
		"BEGIN EXECUTE 'DROP TABLE ' || relname FROM pg_catalog.pg_class; END":                    {true, false},
	} {
		c, _ := apply(t, catalog.New(), "CREATE TABLE other (id int); DO $do$ "+body+" $do$")
		if got := c.LastUnseen() != ""; got != want.unseen || c.HasExecutedText("users") != want.named {
			t.Errorf("%s: unseen %q, named %t", body, c.LastUnseen(), c.HasExecutedText("users"))
		}
	}
}
