package apply_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// The subscriber of a publication of all tables EXCEPT some needs nothing for those, nor for their new partitions. It needs each other new table and column.
func TestSubscriberOfExcept(t *testing.T) {
	t.Parallel()
	const tables = "CREATE TABLE orders (id bigint PRIMARY KEY, amount int NOT NULL)"
	const excepted = "CREATE TABLE secrets (id bigint PRIMARY KEY, note text); CREATE TABLE months (id bigint PRIMARY KEY) PARTITION BY RANGE (id); " +
		"CREATE TABLE months_1 PARTITION OF months FOR VALUES FROM (0) TO (10)"
	settings := map[string]string{"wal_level": "logical", "wal_retrieve_retry_interval": "200ms"}
	from, to := startServer(t, onward.PreviewMajor, settings), startServer(t, onward.PreviewMajor, settings)
	s := subscribe(t, from, to, "most FOR ALL TABLES EXCEPT (TABLE secrets, months)", tables, excepted)
	run(t, s.sub, "DROP TABLE secrets, months")
	if !s.follows("amount", "1", 20*time.Second) {
		t.Fatal("the subscriber does not follow")
	}
	p := planned(t, tables+"; "+excepted+";", "ALTER TABLE orders ADD COLUMN token uuid; ALTER TABLE secrets ADD COLUMN other text; "+
		"CREATE TABLE months_2 PARTITION OF months FOR VALUES FROM (10) TO (20); CREATE TABLE lines (id bigint PRIMARY KEY);")
	before, after := s.needs(p, onward.Expand, onward.Backfill, onward.Contract)
	slices.Sort(before)
	want := []string{"ALTER TABLE public.orders ADD COLUMN token uuid", "CREATE TABLE lines (id bigint PRIMARY KEY)"}
	if diff := cmp.Diff(want, before); diff != "" || len(after) > 0 {
		t.Fatalf("statements before the steps (-want +got):\n%s\nafter them: %q, want none", diff, after)
	}
	run(t, s.sub, append(ledger.TableStatements(), before...)...)
	finishPlan(t, apply.Config{DB: s.publisher, Plan: p, Through: onward.Contract, AcceptPublications: []string{"most"}})
	run(t, s.publisher, "INSERT INTO secrets VALUES (1, 'a', 'b')", "INSERT INTO months VALUES (1), (11)", "INSERT INTO lines VALUES (1)")
	if !s.follows("amount, token", "2, '00000000-0000-0000-0000-000000000001'", 20*time.Second) {
		t.Fatal("the subscriber stops")
	}
}
