package prove

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// TestNullIntoGo reads NULL into the types of Go that internal/usage says to fail, and into those that it says to take
// NULL.
func TestNullIntoGo(t *testing.T) {
	t.Parallel()
	url := pgservertest.Database(t, onward.NewestMajor)
	conn, ctx := pgservertest.Connect(t, url), t.Context()
	var text *string
	for _, tt := range []struct {
		typ   string
		place any
		fails bool
	}{
		{
			"text", new(string), true,
		}, {"bool", new(bool), true}, {"int4", new(int), true}, {"int2", new(int16), true}, {"int4", new(int32), true}, {"int8", new(int64), true},
		{"int8", new(uint64), true}, {"float4", new(float32), true}, {"float8", new(float64), true}, {"timestamptz", new(time.Time), true},
		{
			"text", &text, false,
		}, {"text", new(sql.NullString), false}, {"text", new(sql.Null[string]), false}, {"text", new(pgtype.Text), false}, {"bytea", new([]byte), false},
	} {
		query := "SELECT NULL::" + tt.typ
		err := conn.QueryRow(ctx, query).Scan(tt.place)
		if (err != nil) != tt.fails || tt.fails && !strings.Contains(err.Error(), "cannot scan NULL into") {
			t.Errorf("pgx reads NULL of %s into %T: %v", tt.typ, tt.place, err)
		}
	}
	type user struct {
		Email string `db:"email"`
	}
	rows, err := conn.Query(ctx, "SELECT NULL::text AS email")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = pgx.CollectRows(rows, pgx.RowToStructByName[user]); err == nil || !strings.Contains(err.Error(), "cannot scan NULL into *string") {
		t.Errorf("a struct with db tags: %v", err)
	}
}
