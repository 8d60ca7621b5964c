package traffic

import (
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A refusal is attributed to the statement that names the missing object, not to the last
// one on the table, and never to one whose transaction was still open.
func TestBehind(t *testing.T) {
	t.Parallel()
	const users, checks = "public.users", "public.checks"
	ran := func(statement int, relation, sql string, until int) Held {
		return Held{Statement: statement, Relation: relation, SQL: sql, From: at(until - 10), Until: at(until)}
	}
	list := []Held{
		held(9, users, onward.AccessExclusiveLock, 0, 100), // a lock, no outcome
		ran(0, users, `ALTER TABLE users DROP COLUMN nick`, 100),
		ran(1, users, `ALTER TABLE "users" ADD COLUMN age int`, 100),
		ran(2, checks, `ALTER TABLE checks ADD COLUMN failing bool DEFAULT false NOT NULL`, 200),
		ran(3, checks, `ALTER TABLE checks ALTER COLUMN failing DROP DEFAULT`, 200),
		ran(4, checks, `ALTER TABLE checks ADD COLUMN body bool`, 200),
		ran(5, checks, `ALTER TABLE checks DROP COLUMN name`, 900),
		ran(6, "", `DROP TYPE mood`, 250),
	}
	for _, c := range []struct {
		relation, message string
		at, want          int
	}{
		{users, `column users.nick does not exist`, 300, 0},
		{users, `column "nick" of relation "users" does not exist`, 300, 0},
		{users, `cached plan must not change result type`, 300, 1},
		{checks, `null value in column "failing" of relation "checks" violates not-null constraint`, 300, 3},
		{checks, `column "name" does not exist`, 300, 4}, // that statement had not ended
		{checks, `column "name" does not exist`, 950, 5},
		{"public.people", `type "mood" does not exist`, 300, 6},
		{"public.people", `permission denied`, 300, -1},
	} {
		got := -1
		if a := findCausingStatement(&Failure{Relation: c.relation, Err: onward.ServerError{Message: c.message}, At: at(c.at)}, list); a != nil {
			got = *a
		}
		if got != c.want {
			t.Errorf("%s at %d: behind %d, want %d", c.message, c.at, got, c.want)
		}
	}
}

// Senders are reported by place or test. An application has one entry for each of its
// queries.
func TestWaiters(t *testing.T) {
	t.Parallel()
	newWait := func(origin *Origin, from, until int) wait {
		return wait{query: &Query{Of: origin, SQL: origin.ID}, statement: 1, from: at(from), until: at(until)}
	}
	page := func(id string) *Origin { return &Origin{ID: id, Sender: "checkout", Named: true} }
	app := func(id string) *Origin { return &Origin{ID: id, Sender: "web"} }
	got := listWaiters([]wait{newWait(page("a"), 0, 100), newWait(app("c"), 0, 200), newWait(page("b"), 0, 300), newWait(app("d"), 0, 50),
		newWait(page("b"), 0, 5)})
	if len(got) != 3 || got[0].Sender != "checkout" || got[0].Queries != 2 || got[0].Waits != 3 || got[0].WorstMS != 300 || got[0].ID != "b" ||
		got[1].ID != "c" || got[2].ID != "d" {
		t.Errorf("listWaiters = %+v, want checkout with 2 queries and 3 waits, then c and d", got)
	}
}
