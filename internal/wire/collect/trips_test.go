package collect_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/wire/collect"
	"github.com/onward-sql/onward/onward"
)

// TestTrips: a recording says for how many round trips each query of a sequence had to wait: for those that gave its
// values, and not for all that were sent before it.
func TestTrips(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*pgx.ConnConfig){"prepared": func(*pgx.ConnConfig) {}, "simple": simple} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(t, onward.NewestMajor, collect.Config{})
			conn := pgservertest.Connect(t, r.url)
			pgservertest.Exec(t, conn, "CREATE TABLE users (id int, name text)", "INSERT INTO users VALUES (71, 'ann')",
				"CREATE TABLE orders (id int, user_id int)", "INSERT INTO orders VALUES (902, 71)",
				"CREATE TABLE items (id int, order_id int)", "INSERT INTO items VALUES (40003, 902)")
			c := r.connect(change)
			r.exec(c, "BEGIN")
			r.all(c, "SELECT id FROM users WHERE name = $1", "ann")
			r.all(c, "SELECT id FROM orders WHERE user_id = $1", 71)
			r.all(c, "SELECT count(*) FROM orders WHERE user_id = $1", 71)
			r.all(c, "SELECT id FROM items WHERE order_id = $1", 902)
			r.all(c, "SELECT id FROM items WHERE id = $1 AND order_id <> $2", 40003, 71)
			r.all(c, "SELECT name FROM users WHERE id <> $1", 5)
			r.exec(c, "COMMIT")
			rec := r.done(c)
			want := map[string]int{"SELECT id FROM orders": 1, "SELECT count(*)": 1, "SELECT id FROM items WHERE order_id": 2, "SELECT id FROM items WHERE id": 3}
			seen := 0
			for _, s := range rec.Workload.Sequences {
				for _, step := range s.Steps {
					for _, q := range rec.Workload.Queries {
						if q.ID != step.Query {
							continue
						}
						trips := 0
						for prefix, n := range want {
							if strings.HasPrefix(q.SQL, prefix) {
								trips = n
							}
						}
						seen++
						if step.Trips != trips || step.Depends != (trips > 0) {
							t.Errorf("%s: %d round trips, want %d", q.SQL, step.Trips, trips)
						}
					}
				}
			}
			if seen != 6 {
				t.Errorf("%d steps\n%s", seen, dump(rec))
			}
		})
	}
}
