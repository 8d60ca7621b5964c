package live

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// BenchmarkReadSchema reads a schema of 2,000 tables with keys, checks, two
// indexes each and a foreign key.
func BenchmarkReadSchema(b *testing.B) {
	ctx := context.Background()
	url := pgservertest.Database(b, 17)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(ctx)
	for from := range 20 {
		if _, err := conn.Exec(ctx, fmt.Sprintf(`DO $$BEGIN FOR n IN %d .. %d LOOP
	EXECUTE format('CREATE TABLE t%%s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent bigint REFERENCES t%%s, name text NOT NULL DEFAULT ''x'', at timestamptz DEFAULT now(), CHECK (name <> ''''))', n, CASE WHEN n > 1 THEN n - 1 ELSE n END);
	EXECUTE format('CREATE INDEX ON t%%s (parent); CREATE INDEX ON t%%s (lower(name)) WHERE at IS NOT NULL', n, n);
END LOOP; END$$`, from*100+1, from*100+100)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		s, err := ReadSchema(ctx, url)
		if err != nil || len(s.Unread) > 0 || s.Catalog.Lookup("public", "t2000") == nil {
			b.Fatalf("ReadSchema: %v; the schema: %+v", err, s)
		}
	}
}
