package apply_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
)

// What the faults happen to: the release of the other tests, and the keys of a family of tables.
const (
	faultBase = base + `
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE posts (id bigint PRIMARY KEY, author int REFERENCES users (id) ON DELETE SET NULL ON UPDATE CASCADE, title text);
CREATE INDEX posts_author_idx ON posts (author);
`
	faultRelease = release + `
ALTER TABLE users ALTER COLUMN id TYPE bigint;
ALTER TABLE posts ALTER COLUMN author TYPE bigint;
`
	// onlyTarget is what the database has and the repository does not know.
	onlyTarget = `
DO $$BEGIN CREATE ROLE onward_reporter; EXCEPTION WHEN duplicate_object THEN NULL; END$$;
GRANT SELECT (id, note, amount), UPDATE (note) ON orders TO onward_reporter;
GRANT SELECT (author, title) ON posts TO onward_reporter;
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
CREATE POLICY shown ON posts FOR SELECT TO onward_reporter USING (title <> 'hidden');
COMMENT ON COLUMN orders.note IS 'the reporter reads it';
`
	faultFamilyRows = "SELECT 'post ' || id || ' ' || coalesce(author::text, '-') FROM posts UNION ALL SELECT 'user ' || id FROM users ORDER BY 1"
)

var faultRows = strings.ReplaceAll(rows, "6000", "1500") + `
INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 100) AS n;
INSERT INTO posts SELECT n, 1 + n % 100, 'post ' || n FROM generate_series(1, 300) AS n;
` + onlyTarget

// parentWrites are the deployed code's while a fault happens. They have the same effect at any time, once or twice.
var parentWrites = []string{"DELETE FROM users WHERE id BETWEEN 11 AND 15", "UPDATE users SET id = id + 1000 WHERE id BETWEEN 21 AND 25"}

// writeParents writes until it succeeds: the server may be down, and a step may hold its lock.
func writeParents(ctx context.Context, f *faulty) error {
	var err error
	for _, sql := range parentWrites {
		for end := time.Now().Add(time.Minute); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
			if err = execute(ctx, f.db, sql); err == nil {
				break
			}
		}
	}
	return err
}

// execute sends one statement in a session of its own.
func execute(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// killedBesideSubscriber kills runs at their commits while a subscriber on another server follows the table: each row
// that is there in the end is there, too.
func killedBesideSubscriber(t *testing.T, from, to *pgserver.Server, tables string, p *onward.Plan) {
	file := saved(t, p)
	env := []string{"ONWARD_APPLY_PLAN=" + file, "ONWARD_APPLY_THROUGH=" + string(onward.Contract), "ONWARD_APPLY_ACCEPT=orders_pub"}
	begin := func() (*subscribed, *faulty) {
		s := subscribe(t, from, to, "orders_pub FOR TABLE orders", tables)
		if !s.follows("amount, note", "1, 'a'", 20*time.Second) {
			t.Fatal("the subscriber does not follow")
		}
		before, _ := s.needs(p, onward.Expand, onward.Backfill, onward.Contract)
		run(t, s.sub, before...)
		return s, &faulty{server: from, db: s.publisher}
	}
	s, f := begin()
	count := &line{t: t, f: f}
	carry(t, f, count, env)
	s.end()
	var commits []int
	for n := range count.seen {
		commits = append(commits, n+1)
	}
	for _, commit := range rotation.Pick(t, 1+count.seen/3, commits) {
		s, f := begin()
		written := make(chan error, 1)
		l := &line{t: t, f: f, at: commit, fault: &faults[commit%2], meanwhile: func() {
			written <- execute(t.Context(), f.db, "INSERT INTO orders (id, amount) SELECT n, n FROM generate_series(1000, 1050) AS n")
		}}
		carry(t, f, l, env)
		if !l.struck {
			t.Fatalf("nothing happened at commit %d", commit)
		}
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		if !s.follows("amount, remark", "4000000000, 'd'", 20*time.Second) {
			t.Errorf("%s at commit %d: the subscriber stops", l.fault.name, commit)
		}
		const all = "SELECT id || ' ' || amount || ' ' || coalesce(remark, '-') FROM orders ORDER BY id"
		if want, got := content(t, s.publisher, all), content(t, s.sub, all); !slices.Equal(want, got) || len(got) != 53 {
			t.Errorf("%s at commit %d: %d rows became %d", l.fault.name, commit, len(want), len(got))
		}
		s.end()
	}
}
