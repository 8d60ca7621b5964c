package prove

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// TestSetColumnsAreCopiedByNumber deletes a referenced row while a partition with other column numbers is attached, and
// another one after it was detached: only the second DELETE sets the wrong column. The printed ways keep the right one.
func TestSetColumnsAreCopiedByNumber(t *testing.T) {
	t.Parallel()
	const key = "FOREIGN KEY (tenant, author) REFERENCES users (tenant, id) ON DELETE SET NULL (author)"
	pgservertest.EachProofMajor(t, func(t *testing.T, major int) {
		ctx, conn := t.Context(), pgservertest.Connect(t, pgservertest.Database(t, major))
		pgservertest.Exec(t, conn, "CREATE TABLE users (tenant int, id int, PRIMARY KEY (tenant, id))", "INSERT INTO users SELECT 1, g FROM generate_series(1, 9) g",
			"CREATE TABLE posts (id int, tenant int, author int, title text) PARTITION BY RANGE (id)")
		_, err := conn.Exec(ctx, "ALTER TABLE posts ADD CONSTRAINT posts_author "+key)
		if pg := (*pgconn.PgError)(nil); major < 15 {
			if !errors.As(err, &pg) || pg.Code != "42601" {
				t.Errorf("the syntax is accepted: %v", err)
			}
			return
		}
		for i, name := range []string{"copied", "mended", "own"} {
			pgservertest.Exec(t, conn, "CREATE TABLE "+name+" (id int, tenant int, title text, author int)")
			if name == "own" {
				pgservertest.Exec(t, conn, "ALTER TABLE own ADD CONSTRAINT posts_author "+key+" NOT VALID", "ALTER TABLE own VALIDATE CONSTRAINT posts_author")
			}
			pgservertest.Exec(t, conn, fmt.Sprintf("ALTER TABLE posts ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)", name, 10*i, 10*i+10),
				fmt.Sprintf("INSERT INTO posts VALUES (%d, 1, %d, 'kept'), (%d, 1, %d, 'kept')", 10*i, 2*i+1, 10*i+1, 2*i+2),
				fmt.Sprintf("DELETE FROM users WHERE id = %d", 2*i+1),
				"BEGIN", "ALTER TABLE posts DETACH PARTITION "+name)
			if name == "mended" {
				pgservertest.Exec(t, conn, "ALTER TABLE mended DROP CONSTRAINT posts_author, ADD CONSTRAINT posts_author "+key+" NOT VALID")
			}
			pgservertest.Exec(t, conn, "COMMIT", fmt.Sprintf("DELETE FROM users WHERE id = %d", 2*i+2))
			rows, err := conn.Query(ctx, "SELECT concat_ws(' ', coalesce(author::text, 'NULL'), coalesce(title, 'NULL')) FROM "+name+" ORDER BY id")
			if err != nil {
				t.Fatal(err)
			}
			got, err := pgx.CollectRows(rows, pgx.RowTo[string])
			want := "[NULL kept NULL kept]"
			if name == "copied" {
				want = "[NULL kept 2 NULL]" // and user 2 is gone
			}
			if err != nil || fmt.Sprint(got) != want {
				t.Errorf("%s has %v, not %s (%v)", name, got, want, err)
			}
		}
	})
}
