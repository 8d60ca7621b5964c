package audit

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// The report counts by file the places that build queries by calls, if a judgement needed the code. Each place counts,
// and a call over several lines is one place.
func TestBuiltQueries(t *testing.T) {
	t.Parallel()
	const base = `
-- m/00001_a.sql --
-- +goose Up
CREATE TABLE accounts (id int PRIMARY KEY, old_ref text);
-- app/one.py --
from app.models import Account

def f(user):
    return Account.objects.filter(owner=user)
-- app/views.py --
from django.db.models import Count
from app.models import Account

def f(user):
    a = Account.objects.filter(owner=user).annotate(n=Count('tags'))
    b = (
        a
        .exclude(url='x')
        .order_by('-id')
    )
    return b.values_list('id')
-- tests_e2e/pages.py --
from app.models import Account

x = Account.objects.filter(owner=1)
-- app/copy.js --
export const copy = (pool) => pool.insert("accounts");
`
	const drop = "-- m/00002_b.sql --\n-- +goose Up\nALTER TABLE accounts DROP COLUMN old_ref;\n"
	counted := &onward.BuiltQueries{
		Revision: "main", Places: 5,
		Files: []onward.BuiltFile{{Path: "app/views.py", Places: 3}, {Path: "app/copy.js", Places: 1}, {Path: "app/one.py", Places: 1}},
	}
	for name, c := range map[string]struct {
		release  string
		recorded bool
		want     *onward.BuiltQueries
	}{
		"a dropped column":       {drop, false, counted},
		"no question about code": {"-- m/00002_b.sql --\n-- +goose Up\nCREATE TABLE logs (id int PRIMARY KEY);\n", false, nil},
		"with a recording":       {drop, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := config.Default()
			if c.recorded {
				settings.Workload = []string{recordingOf(t, workload.Query{SQL: "SELECT id FROM accounts", Kind: workload.Select})}
			}
			r := changelog0(t, Config{Dir: repository(t, base, c.release), Base: "main", Head: "feature", Settings: settings})
			if diff := cmp.Diff(c.want, r.BuiltQueries); diff != "" {
				t.Errorf("(-want +is):\n%s", diff)
			}
		})
	}
}
