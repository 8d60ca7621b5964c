package rehearse_test

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// Each lock of a statement is listed for the time that it was held: a strong lock that a statement takes at its end has not blocked
// readers from its beginning on.
func TestLateLock(t *testing.T) {
	t.Parallel()
	const late = "DO $$ BEGIN LOCK TABLE users IN %s MODE; PERFORM pg_sleep(1); ALTER TABLE users ADD COLUMN late text; END $$;"
	for name, c := range map[string]struct {
		sql  string
		want []string
	}{
		"a blocking lock before": {
			strings.ReplaceAll(late, "%s", "SHARE"), []string{"users ShareLock", "users AccessExclusiveLock"},
		},
		"a harmless lock before": {strings.ReplaceAll(late, "%s", "ROW EXCLUSIVE"), []string{"users AccessExclusiveLock"}},
		"of an earlier statement": {
			"LOCK TABLE users IN SHARE MODE;\nDO $$ BEGIN PERFORM pg_sleep(1); ALTER TABLE users ADD COLUMN late text; END $$;",
			[]string{"users AccessExclusiveLock"},
		},
		"of a refused statement": {
			"DO $$ BEGIN LOCK TABLE orders, users IN SHARE MODE; PERFORM pg_sleep(1); ALTER TABLE users ADD COLUMN late text; PERFORM pg_sleep(0.5); " +
				"PERFORM 1 / (count(*) - count(*)) FROM users; END $$;",
			[]string{"orders ShareLock", "users ShareLock", "users AccessExclusiveLock"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := on(branch(t, shopBase, []txtar.File{step(c.sql)}))
			cfg.Majors = []int{18}
			r, err := rehearse.Run(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			list := r.Rehearsals[0].Statements
			last := list[len(list)-1]
			if got := locks(last); strings.Join(got, ", ") != strings.Join(c.want, ", ") {
				t.Fatalf("got %v, want %v", got, c.want)
			}
			strong := last.Observed[len(last.Observed)-1]
			if strong.FromMS-last.FromMS < 900 || strong.UntilMS-strong.FromMS > last.UntilMS-last.FromMS-900 {
				t.Errorf("%v was requested after %.0f ms of %.0f, and lasted until %.0f", strong.Lock, strong.FromMS-last.FromMS,
					last.UntilMS-last.FromMS, strong.UntilMS-last.FromMS)
			}
			for _, o := range last.Observed[:len(last.Observed)-1] {
				if o.Relation == "public.orders" {
					if o.UntilMS < strong.UntilMS {
						t.Errorf("orders until %.0f, and users until %.0f", o.UntilMS, strong.UntilMS)
					}
					continue
				}
				if o.Lock != onward.ShareLock || o.UntilMS != strong.FromMS || o.HeldMS < 900 || len(o.Blocks) != 1 {
					t.Errorf("before it %+v", o)
				}
			}
		})
	}
}
