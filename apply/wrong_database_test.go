package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A database with tables of the migrations' names, or with another tool's table, and without a record of any migration may be another
// service's: nothing runs there without --adopt.
func TestPendingRefusesForeignDatabase(t *testing.T) {
	t.Parallel()
	dir := repository(t, history)
	for name, c := range map[string]struct {
		sql    []string
		refuse string // part of the message; "" if the migrations run
	}{
		"empty":                    {nil, ""},
		"another table":            {[]string{"CREATE TABLE billing (id int)"}, ""},
		"another schema":           {[]string{"CREATE SCHEMA billing", "CREATE TABLE billing.orders (id int)"}, ""},
		"an extension's":           {[]string{"CREATE EXTENSION pg_stat_statements"}, ""},
		"Django's history":         {[]string{"CREATE TABLE django_migrations (id int)"}, "it has django_migrations, in which another migration tool keeps count"},
		"a table of the same name": {[]string{"CREATE TABLE orders (id int)"}, "it has table orders, which the migrations create"},
		"an empty table of the tool": {[]string{
			"CREATE TABLE goose_db_version (id serial, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp DEFAULT now())",
			"CREATE TABLE orders (id int)",
		}, "it has table orders"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgservertest.Database(t, onward.NewestMajor)
			run(t, db, c.sql...)
			_, err := apply.Pending(t.Context(), pendingOf(dir, db, ""))
			refused := new(apply.RefusedError)
			if c.refuse == "" && err != nil || c.refuse != "" && (!errors.As(err, &refused) || !strings.Contains(refused.Text, c.refuse) ||
				!strings.HasSuffix(refused.Next, apply.AdoptFlag)) {
				t.Fatal(err)
			}
			if c.refuse == "" {
				return
			}
			if got := content(t, db, "SELECT 'it has amount' FROM pg_attribute WHERE attname = 'amount' AND attrelid = to_regclass('orders')"); len(got) > 0 {
				t.Fatalf("the refused migration ran: %q", got)
			}
			adopted := pendingOf(dir, db, "")
			if adopted.Adopt = true; !strings.Contains(c.refuse, "table orders") {
				if _, err = apply.Pending(t.Context(), adopted); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
